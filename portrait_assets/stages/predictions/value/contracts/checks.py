"""Checks of the values of contracts: the stored hazards give them, and totals came true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.stages.predictions.value.comparing import HORIZON_MONTHS
from portrait_assets.stages.predictions.value.contracts.accounts import contracts
from portrait_assets.stages.predictions.value.contracts.assets import (
    hazards_from,
    months_known,
    value_rows,
)
from portrait_assets.stages.predictions.value.contracts.contract import (
    CONTRACT_HAZARD,
    CONTRACT_MODEL,
    CONTRACT_VALUE,
)
from portrait_assets.stages.predictions.value.contracts.valuing import expected, with_tenure
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck
from portrait_assets.storage.duckdb.connection import literals
from portrait_assets.storage.duckdb.partitions import select_sql
from portrait_assets.storage.engine import Engine

COMPUTED_AGAIN = 500
CLOSE_MONEY = 0.02
MOST_BIAS = 0.3


def _values_again(subject: Subject) -> Finding:
    """The rows of the hazards give the stored values."""
    month, warehouse = [subject.month], subject.warehouse
    warehouse.require(CONTRACT_VALUE, month)
    # In the order of a hash, so that who is looked at does not depend on how customers are named.
    stored = warehouse.select(
        f"{select_sql(CONTRACT_VALUE, month)} ORDER BY md5(customer_id) LIMIT {COMPUTED_AGAIN}"
    )
    if stored.is_empty():
        return Finding(0, "no values")
    known = months_known(warehouse, subject.month)
    some = f"customer_id IN ({literals(stored['customer_id'])})"
    found = contracts(Engine(warehouse.con), subject.month, known[0], some)
    there = with_tenure(found, known[0], known[-1])
    valued = expected(there, hazards_from(subject.rows), HORIZON_MONTHS)
    again = value_rows(valued, subject.month, None)
    both = stored.join(again, on="customer_id", how="left", suffix="_again")
    one, other = (pl.col(f"expected_margin{end}").cast(pl.Float64) for end in ("", "_again"))
    is_other = ((one - other).abs() > CLOSE_MONEY) | other.is_null()
    wrong = both.filter(is_other | (pl.col("contracts") != pl.col("contracts_again")))
    return Finding(wrong.height, f"{stored.height} values computed again, {wrong.height} differ")


def _total(subject: Subject) -> Finding:
    """No category's margin was missed by much in the newest window."""
    wrong = subject.rows.filter(pl.col("total_bias").abs() > MOST_BIAS)
    named = ", ".join(
        f"{category} {bias:+.1%}"
        for category, bias in wrong.select("category", "total_bias").rows()
    )
    return Finding(wrong.height, named or f"{subject.rows.height} categories")


VALUES_AGAIN = TableCheck("gives_the_values", _values_again, blocking=True)
TOTAL = TableCheck(
    "total_bias",
    _total,
    f"What was expected of each category was within {MOST_BIAS:.0%} of what it earned.",
    severity=WARN,
)
CHECKS: Mapping[Table, Sequence[TableCheck]] = {
    CONTRACT_MODEL: (TOTAL,),
    CONTRACT_HAZARD: (VALUES_AGAIN,),
}
