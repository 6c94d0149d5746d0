"""Every outcome is read from its own table, and only where the source has it."""

from __future__ import annotations

import polars as pl
import pytest

from portrait_assets.core.errors import WarehouseError
from portrait_assets.core.months import last_day, next_month
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH
from portrait_assets.stages.features.monthly import steps as monthly
from portrait_assets.stages.mart.words import OUTCOMES
from portrait_assets.stages.targets.declared.outcomes import outcome, packaged_targets
from portrait_assets.stages.targets.windows import Window
from portrait_assets.stages.validation.backtests.cells import TAG
from portrait_assets.stages.validation.backtests.claims import CLAIMS, Claim
from portrait_assets.stages.validation.backtests.counting import count_outcomes
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.worlds.shop import SHOP_MONTHS
from portrait_assets_tests.validation.small_world import renew_targets, rows_of

pytestmark = pytest.mark.slow  # They need a whole run.

BASE, AFTER = SHOP_MONTHS[1], SHOP_MONTHS[2]
WINDOW = Window(BASE, 1)


def give(warehouse: Warehouse, name: str, rows: pl.DataFrame) -> None:
    """Put the rows into the cleaned table, in the month after the base month."""
    table = CLEANED[name]
    full = pl.concat([table.empty(), rows], how="diagonal_relaxed").with_columns(
        month=pl.lit(AFTER), source_file=pl.lit("f"), source_row=pl.int_range(1, pl.len() + 1)
    )
    warehouse.write(table, [AFTER], full)
    if name == "interactions":
        step = monthly.CUSTOMER_MONTH
        with Engine(warehouse.con).rows(step, Scope(AFTER)) as month:
            warehouse.write(CUSTOMER_MONTH, [AFTER], month)
    renew_targets(warehouse, [AFTER])


def people(warehouse: Warehouse, matrix: Table) -> list[str]:
    return sorted(warehouse.read(matrix, [BASE])["customer_id"])


def counted(warehouse: Warehouse, matrix: Table, claim: Claim) -> dict[str, dict[str, float]]:
    """Customers and hits by bucket of the tag."""
    found = rows_of(count_outcomes(warehouse, matrix, [claim], [WINDOW])).filter(side=TAG)
    return {f"{row['outcome']} {row['bucket']}": row for row in found.iter_rows(named=True)}


def test_an_answer_of_the_source_is_tested_by_its_own_name(warehouse: Warehouse, matrix: Table):
    known = people(warehouse, matrix)[:10]
    give(
        warehouse,
        "outcomes",
        pl.DataFrame(
            {
                "customer_id": known * 2,
                "outcome": ["deposit"] * 10 + ["default"] * 10,
                "observed_on": last_day(AFTER),
                "value": [1.0] * 4 + [0.0] * 6 + [0.0] * 9 + [1.0],
            }
        ),
    )
    found = counted(warehouse, matrix, Claim("segment_id", outcome("answer"), learned=True))
    assert {name.split()[0] for name in found} == {"deposit", "default"}
    hits = {
        name: sum(row["hits"] for key, row in found.items() if key.startswith(name))
        for name in ("deposit", "default")
    }
    assert hits == {"deposit": 4, "default": 1}
    assert sum(row["customers"] for row in found.values()) == 20


def test_satisfaction_is_the_upper_half_of_those_who_were_asked(
    warehouse: Warehouse, matrix: Table
):
    asked = people(warehouse, matrix)[:8]
    scores = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    give(
        warehouse,
        "interactions",
        pl.DataFrame(
            {
                "customer_id": [*asked, asked[0]],
                "occurred_at": pl.Series([last_day(AFTER)] * 9).cast(pl.Datetime("us")),
                "kind": ["survey"] * 8 + ["complaint"],
                "score": [*scores, 99.0],
            }
        ),
    )
    found = counted(warehouse, matrix, Claim("segment_id", outcome("satisfaction"), learned=True))
    assert sum(row["customers"] for row in found.values()) == 8
    assert sum(row["hits"] for row in found.values()) == 4


def test_return_looks_only_at_who_was_away_and_response_only_at_who_was_reached(
    warehouse: Warehouse, matrix: Table
):
    warehouse.con.execute(
        f"UPDATE features.customer_month SET purchases = 0 WHERE month = '{BASE}' "
        "AND customer_id < 'K010'"
    )
    away = counted(warehouse, matrix, Claim("segment_id", outcome("return"), learned=True))
    active = warehouse.select(
        "SELECT count(DISTINCT customer_id) AS n FROM features.customer_month "
        f"WHERE month = '{BASE}' AND purchases > 0"
    )["n"][0]
    everyone = len(people(warehouse, matrix))
    assert sum(row["customers"] for row in away.values()) == everyone - active
    reached = Claim("segment_id", outcome("response"), learned=True)
    assert not any(count_outcomes(warehouse, matrix, [reached], [WINDOW])), "nobody was reached"


def test_every_outcome_has_a_name_and_every_claim_its_own():
    assert set(OUTCOMES) == {each.code for each in packaged_targets().outcomes} - {"answer"}, (
        "an answer goes by its own name"
    )
    names = [claim.name for claim in CLAIMS]
    assert len(set(names)) == len(names)


def test_a_window_without_targets_is_named(warehouse: Warehouse, matrix: Table):
    after = next_month(SHOP_MONTHS[-1])
    with pytest.raises(
        WarehouseError, match=f"targets.target has not been materialized for {after}"
    ):
        list(count_outcomes(warehouse, matrix, CLAIMS, [Window(SHOP_MONTHS[-1], 1)]))
