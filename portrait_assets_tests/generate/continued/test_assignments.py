"""A bank's customers answer what others assign them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from portrait_assets.core.errors import PortraitError
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.continuing import continue_bank
from portrait_assets_tests.generate.conftest import contents
from portrait_assets_tests.generate.continued.conftest import Write
from portrait_assets_tests.generate.lived import difference


def test_customers_answer_our_assignments_by_their_true_effect(
    tmp_path: Path, write: Write
) -> None:
    """Contact at random, and the difference of the arms is the true effect: a verdict is run."""
    everybody = 6_000
    bank = generate_bank(tmp_path / "bank", everybody, 2, 9, first_month="2023-04").folder
    control = np.random.default_rng(1).random(everybody) < 0.5
    continue_bank(
        bank,
        write(
            everybody,
            arm=np.where(control, "control", "ours").tolist(),
            channel=[None if is_control else "app" for is_control in control],
        ),
    )
    with scratch_database() as con:
        found = con.sql(
            "SELECT t.is_control, treatment_effect AS effect, response_group, responded, "
            "r.customer_id IS NOT NULL AS answered "
            f"FROM '{bank}/truth/responses.parquet' t "
            f"LEFT JOIN '{bank}/responses/2023-06.parquet' r USING (customer_id, campaign_id) "
            "WHERE campaign_id = 'june cashback'"
        ).pl()
    assert len(found) == everybody
    assert (found["responded"] == found["answered"]).all()
    answered, treated = found["answered"].to_numpy(), ~found["is_control"].to_numpy()
    observed = difference(answered, treated)
    assert observed.is_near(float(found["effect"].mean()))
    assert observed.score > 4
    harmed = (found["effect"] < 0).to_numpy()
    assert found.filter(pl.col("effect") < 0)["response_group"].unique().to_list() == [
        "sleeping_dog"
    ]
    assert difference(answered[~harmed], treated[~harmed]).value > observed.value


def test_assignments_take_the_place_of_the_banks_own_campaigns(bank: Path, write: Write) -> None:
    done = continue_bank(bank, write(6))
    assert done.notes == ()
    campaigns = pl.read_parquet(bank / "campaigns.parquet")
    ours = campaigns.filter(pl.col("started_on") == date(2023, 6, 1))
    assert ours.select("campaign_id", "campaign_type").rows() == [("june cashback", "cashback")]
    contacts = pl.read_parquet(bank / "contacts/2023-06.parquet")
    assert contacts["customer_id"].to_list() == [f"C{n:07d}" for n in range(1, 7)]
    assert contacts["is_control"].to_list() == [False, True] * 3
    assert set(contacts["contacted_on"]) == {date(2023, 6, 5)}
    assert contacts["channel"].to_list() == ["app", None] * 3
    cost = float(ours["cost"][0])
    assert cost == pytest.approx(2000 + 3 * 0.05)
    assigned = pl.read_parquet(bank / "assignments/2023-06.parquet")
    assert assigned["arm"].to_list() == ["treatment", "control"] * 3


def test_a_contact_changes_what_happens_afterwards(bank: Path, write: Write) -> None:
    """Who takes a deposit that we offered holds it in the month after, too."""
    continue_bank(bank, write(2_400, campaign_id="term_deposit in june"))
    continue_bank(bank)
    with scratch_database() as con:
        takers, holders = con.sql(
            "SELECT count(*), count(b.customer_id) "
            f"FROM '{bank}/responses/2023-06.parquet' r LEFT JOIN (SELECT DISTINCT customer_id "
            f"FROM '{bank}/balances/2023-07.parquet' WHERE right(account_id, 1) = '5') b "
            "USING (customer_id)"
        ).fetchall()[0]
    assert takers > 100
    assert holders > 0.98 * takers, "but for those who left"


def test_the_kind_of_a_campaign_may_be_stated_known_or_in_turn(bank: Path, write: Write) -> None:
    done = continue_bank(
        bank,
        write(
            4,
            campaign_id=["CMP002", "A", "A", "B"],
            campaign_type=[None, "fund", None, None],
        ),
    )
    kinds = dict(
        pl.read_parquet(bank / "campaigns.parquet")
        .select("campaign_id", "campaign_type")
        .iter_rows()
    )
    assert (kinds["CMP002"], kinds["A"], kinds["B"]) == ("cashback", "fund", "term_deposit")
    assert len(done.notes) == 1
    assert "Campaign B states no campaign_type" in done.notes[0]


def test_who_is_no_customer_any_more_is_not_reached(bank: Path, write: Write) -> None:
    truth = pl.read_parquet(bank / "truth/segments.parquet")
    gone = truth.filter(pl.col("left_on") < date(2023, 6, 1))["customer_id"].to_list()
    assert gone
    continue_bank(bank, write(len(gone), customer_id=gone, arm="ours", channel="phone"))
    contacts = pl.read_parquet(bank / "contacts/2023-06.parquet")
    assert set(contacts["delivery_status"]) == {"bounced"}
    assert pl.read_parquet(bank / "responses/2023-06.parquet").is_empty()


@pytest.mark.parametrize("name", ["mine.csv", "mine.parquet"])
def test_assignments_come_as_csv_or_parquet(bank: Path, write: Write, name: str) -> None:
    days = [date(2023, 6, 5), date(2023, 6, 6), date(2023, 6, 30), date(2023, 6, 1)]
    continue_bank(bank, write(name=name, day=days))
    assert pl.read_parquet(bank / "contacts/2023-06.parquet")["contacted_on"].to_list() == days


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"customer_id": [f"C{n:07d}" for n in (1, 2, 3, 99_999)]}, "C0099999 in row 4"),
        ({"customer_id": ["C0000001", "ab", "K9", "12"]}, "assigns 3 customers who do not exist"),
        ({"day": ["2023-06-05", "2023-05-31", "2023-06-01", "2023-06-01"]}, "Row 2 .* is over"),
        ({"day": "2023-07-01"}, "take days from 2023-06-01 to 2023-06-30"),
        ({"day": "tomorrow"}, "the day tomorrow, which cannot be read"),
        ({"arm": ["control", None, "a", "b"], "channel": "app"}, "Row 2 .* has no arm"),
        ({"arm": "ours", "channel": None}, "has no channel"),
        ({"channel": "pigeon"}, "the channel pigeon"),
        ({"customer_id": "C0000001"}, "C0000001 to campaign june cashback more than once"),
        ({"campaign_type": "lottery"}, "the campaign_type lottery"),
        ({"campaign_type": ["fund", "fund", "cashback", None]}, "more than one campaign_type"),
    ],
)
def test_assignments_that_cannot_be_followed(
    original: Path, write: Write, columns: dict[str, object], says: str
) -> None:
    before = contents(original)
    with pytest.raises(PortraitError, match=says) as refused:
        continue_bank(original, write(4, **columns))
    assert str(refused.value).count("\n") == 0
    assert contents(original) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("customer_id,arm\nC0000001,a\n", "no column campaign_id"),
        ("customer_id,campaign_id,arm,channel,day\n", "assigns nobody"),
        ("", "cannot be read"),
    ],
)
def test_files_that_are_no_assignments(
    original: Path, tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(text)
    with pytest.raises(PortraitError, match=says):
        continue_bank(original, file)
    with pytest.raises(PortraitError, match=r"no file 'none\.csv'"):
        continue_bank(original, tmp_path / "none.csv")
