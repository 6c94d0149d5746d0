"""The latent segments can be found in what customers do, and not without error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.persons.segment_traits import CATEGORIES, CHANNELS
from portrait_assets.synthetic.persons.segments import SEGMENTS

SKEWED = ("n", "amount", "ticket", "silent", "assets", "term", "fund", "loan")


def features_sql(folder: Path) -> str:
    """Simple features of the last twelve months, and the truth, for everyone who ever joined."""
    shares = [
        f"count(*) FILTER (category = '{name}') / count(*) AS share_{name}" for name in CATEGORIES
    ] + [f"count(*) FILTER (channel = '{name}') / count(*) AS share_{name}" for name in CHANNELS]
    return f"""
    WITH spent AS (
        SELECT customer_id, count(*) AS n, sum(amount)::DOUBLE AS amount,
            avg(amount)::DOUBLE AS ticket, count(DISTINCT month(occurred_at)) AS active,
            date_diff('day', max(occurred_at), TIMESTAMP '2025-01-01') AS silent,
            {", ".join(shares)}
        FROM '{folder}/transactions/2024-*.parquet'
        WHERE amount < 9e7 AND year(occurred_at) = 2024 GROUP BY 1
    ), held AS (
        SELECT customer_id, count(*) AS products,
            sum(balance) FILTER (credit_limit IS NULL)::DOUBLE AS assets,
            sum(balance) FILTER (product_id IN ('P102', 'P103', 'P104'))::DOUBLE AS term,
            sum(balance) FILTER (product_id LIKE 'P4%')::DOUBLE AS fund,
            sum(balance) FILTER (product_id LIKE 'P3%')::DOUBLE AS loan,
            avg(balance / credit_limit) FILTER (product_id LIKE 'P2%') AS used
        FROM '{folder}/balances/2024-12.parquet' GROUP BY 1
    ), born AS (
        SELECT customer_id, any_value(year(try_cast(birth_date AS DATE))) AS born
        FROM '{folder}/customers.parquet' GROUP BY 1
    )
    SELECT segment, COLUMNS(* EXCLUDE (segment, customer_id))::DOUBLE FROM (
        SELECT segment, spent.*, held.* EXCLUDE (customer_id), born.born
        FROM '{folder}/truth/segments.parquet' AS truth
        LEFT JOIN spent USING (customer_id) LEFT JOIN held USING (customer_id)
        LEFT JOIN born USING (customer_id)
        WHERE truth.customer_id IN (
            SELECT customer_id FROM '{folder}/truth/lifecycle.parquet'
            WHERE as_of = '2024-12-31' AND stage <> 'prospect')
        ORDER BY truth.customer_id)
    """


@pytest.mark.slow
def test_k_means_with_the_true_number_finds_most_of_the_segments(tmp_path: Path) -> None:
    bank = generate_bank(tmp_path / "bank", 8_000, 24, seed=1)
    with scratch_database() as con:
        frame = con.sql(features_sql(bank.folder)).pl()
    columns = []
    for name in frame.columns[1:]:
        values = frame[name].fill_null(frame[name].mean() if name == "born" else 0.0).to_numpy()
        if name in SKEWED:
            values = np.sign(values) * np.log1p(np.abs(values))
        elif name.startswith("share_"):
            values = np.sqrt(values)
        low, middle, high = np.percentile(values, [5, 50, 95])
        scale = high - low if high > low else max(float(values.std()) * 3.3, 1e-9)
        columns.append(np.clip((values - middle) / scale * 3.3, -5, 5))
    labels = KMeans(len(SEGMENTS), n_init=10, random_state=0).fit_predict(np.stack(columns, axis=1))
    assert 0.88 < adjusted_rand_score(frame["segment"], labels) < 0.99
