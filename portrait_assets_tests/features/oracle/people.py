"""Who is a customer, and what is recorded of them."""

from __future__ import annotations

from datetime import date

from portrait_assets.stages.features.declared.entity import ATTRIBUTES, STATED
from portrait_assets_tests.features.oracle.rows import Row, Tables, ago, day_of, known, of

NEW_AFTER_DAYS = 180
LOWER_ENDS = {"25-34": 25, "65+": 65, "young": None, None: None}


def customers(tables: Tables, as_of: date) -> set[str]:
    """Everyone with a transaction, a balance or a joining day by then."""
    found = {
        row["customer_id"]
        for name in ("transactions", "balances")
        for row in tables[name]
        if row in known(tables, name, as_of)
    }
    return found | {
        row["customer_id"]
        for row in tables["customers"]
        if row["joined_on"] and row["joined_on"] <= as_of
    }


def people(tables: Tables, customer: str, as_of: date) -> Row:
    """The features of the entity of one customer."""
    records = of(tables["customers"], customer)
    record: Row = records[-1] if records else {}
    born, joined = record.get("birth_date"), record.get("joined_on")
    age = record.get("age")
    if born:
        age = as_of.year - born.year - ((as_of.month, as_of.day) < (born.month, born.day))
    row: Row = {each.name: record.get(each.name) for each in ATTRIBUTES} | {"age": age}
    missing = [name for name in STATED if row[name] is None]
    first, begin = _first(tables, as_of, customer), _first(tables, as_of)
    assert begin is not None
    is_late = first is not None and (first - begin).days >= NEW_AFTER_DAYS
    since = joined or first
    seen_whole = joined >= begin if joined else is_late
    return row | {
        "age_band_from": LOWER_ENDS[record.get("age_band")],
        "tenure_days": (as_of - since).days if since else None,
        "tenure_is_lower_bound": False if joined else None if first is None else not is_late,
        "recorded_days": (as_of - max(since, begin)).days if since else None,
        "observed_months": 12 if seen_whole else min(ago(begin, as_of) + 1, 12),
        "missing_attributes": missing,
        "known_attribute_share": 1 - len(missing) / len(STATED),
    }


def _first(tables: Tables, as_of: date, customer: str | None = None) -> date | None:
    """The day of the first purchase, of all customers or of one."""
    days = [
        day_of(line["occurred_at"])
        for line in known(tables, "transactions", as_of)
        if line["amount"] >= 0 and customer in (None, line["customer_id"])
    ]
    return min(days, default=None)
