"""What is wrong with master records: values of other forms, missing, impossible or mistyped."""

from __future__ import annotations

import polars as pl

from portrait_assets.synthetic.common.planting import Rule
from portrait_assets.synthetic.settings import Dirt

EXCEL_EPOCH_DAYS = 25_569
"""Days from Excel's day 0 to 1970-01-01."""


def bad_records(dirt: Dirt) -> list[Rule]:
    """What is wrong with how many of the records, by column."""
    nothing = pl.lit(None, dtype=pl.String)
    born = pl.col("birth_date")
    excel = born.str.to_date("%Y-%m-%d").to_physical() + EXCEL_EPOCH_DAYS
    forms = {
        "slashes": born.str.to_date("%Y-%m-%d").dt.strftime("%Y/%-m/%-d"),
        "digits only": born.str.replace_all("-", ""),
        "excel serial": excel.cast(pl.String),
    }
    amount = pl.col("income").cast(pl.Float64)
    in_words = pl.format("{}万", (amount / 10_000).round(1))
    with_sign = pl.format("¥{}", amount.round(0).cast(pl.Int64))
    identity, phone = pl.col("national_id"), pl.col("phone")
    last = identity.str.slice(17, 1)
    full_width = phone.str.replace_many(list("0123456789"), list("0123456789"))
    in_groups = pl.concat_str(
        phone.str.slice(0, 3), phone.str.slice(3, 4), phone.str.slice(7), separator="-"
    )
    spaced_name = pl.concat_str(
        pl.col("full_name").str.slice(0, 1), pl.lit("\u3000"), pl.col("full_name").str.slice(1)
    )
    optional = ("email", "occupation", "education", "marital_status", "income", "household_type")
    return [
        Rule(
            "birth_date",
            "impossible date",
            dirt.impossible_date / 2,
            pl.concat_str(born.str.slice(0, 5), pl.lit("02-30")),
        ),
        Rule("birth_date", "sentinel", dirt.impossible_date / 2, pl.lit("1900-01-01")),
        *(
            Rule("birth_date", f"unusual form: {form}", dirt.unusual_date_form / len(forms), bad)
            for form, bad in forms.items()
        ),
        Rule("gender", "sentinel", dirt.sentinel, pl.lit("?")),
        Rule("age", "sentinel", dirt.sentinel, pl.lit(999, dtype=pl.Int64)),
        Rule("occupation", "sentinel", dirt.sentinel, pl.lit("unknown")),
        Rule("marital_status", "sentinel", dirt.sentinel, pl.lit("?")),
        Rule("income", "sentinel", dirt.sentinel, pl.lit("-1").cast(pl.Decimal(18, 2))),
        Rule("income_band", "money in words", dirt.money_in_words / 2, in_words),
        Rule("income_band", "money in words", dirt.money_in_words / 2, with_sign),
        Rule(
            "national_id",
            "wrong check digit",
            dirt.wrong_check_digit,
            pl.concat_str(
                identity.str.slice(0, 17),
                pl.when(last == "5").then(pl.lit("6")).otherwise(pl.lit("5")),
            ),
        ),
        Rule("phone", "full width", dirt.unusual_characters / 2, full_width),
        Rule("phone", "in groups", dirt.unusual_characters / 2, in_groups),
        Rule("full_name", "full-width space", dirt.unusual_characters, spaced_name),
        *(
            Rule(
                column,
                "missing",
                dirt.missing_attribute,
                nothing if column != "income" else pl.lit(None, dtype=pl.Decimal(18, 2)),
            )
            for column in optional
        ),
    ]
