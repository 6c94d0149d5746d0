"""Rows of a published file: three months of customers in segments, one too small to describe."""

from __future__ import annotations

from datetime import date

import numpy as np

from portrait_assets.stages.validation.findings.returns import SHARE_RETURNED
from portrait_assets.storage.published import Row

MARCH, APRIL, MAY = date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 31)
SIZES = {1: 30, 2: 20, 3: 9}  # The last is too small to describe.
DRAW = np.random.default_rng(5)


def customers(as_of: date) -> list[Row]:
    """A row per customer with the segment, two tags and features."""
    shift = (as_of.month - 3) * 5
    return [
        {
            "as_of": as_of,
            "customer_id": f"K{segment}{n:02d}",
            "segment_id": segment,
            "tier": "high" if n % 4 < segment else "low",
            "likes": [["tea"], ["tea", "cake"], []][(n + segment) % 3],
            "spend_12m": float(DRAW.integers(0, 500)) + shift,
            "purchases_12m": int(DRAW.integers(0, 40)),
            "recency_days": int(DRAW.integers(0, 99)) ** 2,
            "average_ticket_12m": float(DRAW.integers(1, 60)),
            "contacts_12m": int(DRAW.integers(0, 3)),
            "responses_12m": int(DRAW.integers(0, 2)),
            "tenure_days": n,
            "top_category": "tea",
        }
        for segment, size in SIZES.items()
        for n in range(size)
    ]


ROWS = [row for as_of in (MARCH, APRIL, MAY) for row in customers(as_of)]
FEATURES = [name for name in ROWS[0] if name not in ("segment_id", "tier", "likes")]


def tag(code: str, values: list[str], **more: object) -> list[Row]:
    """Its rows in the catalogue of April and May; in March it had another version."""
    row = {
        "tag_code": code,
        "tag_version": 2,
        "in_force": True,
        "name_en": code.title(),
        "name_zh": f"标{code}",
        "element": "symbol",
        "type": "VARCHAR",
        "tag_values": values,
        "value_names_en": [value.title() for value in values],
        "value_names_zh": [f"值{value}" for value in values],
        "is_by_rank": False,
        "lacks": None,
    }
    return [
        {"as_of": as_of, **row, "tag_version": 1 if as_of == MARCH else 2, **more}
        for as_of in (MARCH, APRIL, MAY)
    ]


def bucket(test: str, name: str, place: int, as_of: date = APRIL, horizon: int = 1) -> Row:
    size, hits = 10 * place, 3 * place
    return {
        "as_of": as_of,
        "test": test,
        "bucket": name,
        "position": place,
        "horizon_months": horizon,
        "customers": size,
        "hits": hits,
        "rate": hits / size,
        "low": 0.1,
        "high": 0.5,
        "lift": 1.0 + place,
        "gain": place / 3,
    }


TABLES: dict[str, list[Row]] = {
    "tags.portrait_matrix": [
        {n: row[n] for n in ("as_of", "customer_id", "segment_id", "tier", "likes")} for row in ROWS
    ],
    "features.feature_matrix": [
        *({n: row[n] for n in FEATURES} | {"profiling_allowed": True} for row in ROWS),
        dict.fromkeys(FEATURES)
        | {"as_of": APRIL, "customer_id": "objects", "profiling_allowed": False},
    ],
    "clusters.cluster_assignment": [
        {n: row[n] for n in ("as_of", "customer_id", "segment_id")} for row in ROWS
    ],
    "clusters.cluster_segment": [
        {"as_of": as_of, "segment_id": s, "name_en": f"S{s}", "name_zh": f"群{s}", "customers": n}
        for as_of in (MARCH, APRIL, MAY)
        for s, n in SIZES.items()
    ],
    "clusters.cluster_profile": [
        {"as_of": as_of, "segment_id": 1, "feature": name, "std_difference": value}
        for as_of in (APRIL, MAY)
        for name, value in (("b", 0.4), ("spend_12m", -1.5), ("c", None), ("a", 0.4))
    ],
    "clusters.cluster_typical": [
        {"as_of": as_of, "segment_id": 1, "position": place, "customer_id": f"K1{n:02d}"}
        for as_of in (APRIL, MAY)
        for place, n in ((4, 1), (2, 5), (3, 7), (1, 9))
    ],
    "tags.tag_catalogue": [
        *tag("tier", ["high", "low"]),
        *tag("likes", ["tea", "cake"]),
        *tag("idle", ["x"], lacks=["contacts", "responses.sent_at"]),
        *tag("mute", ["x"], lacks=["responses.sent_at"]),
        *tag("draft", ["x"], in_force=False, lacks=["market"]),
    ],
    "validation.backtest_bucket": [
        *(bucket("tier / spend", name, place) for place, name in ((2, "low"), (1, "high"))),
        bucket("tier / spend", "low", 1, MARCH),
        bucket("tier / spend", "low", 1, APRIL, 2),
        *(bucket("segment_id / silence", str(s), s) for s in (2, 1)),
        bucket("segment_id / silence", "2", 3, MAY),
        *(bucket("segment_id / silence", str(s), 7, APRIL, 3) for s in (1, 3)),
    ],
    "validation.tag_proposal": [
        {"as_of": as_of, "tag_code": code, "tag_version": version}
        for as_of, code, version in (
            (date(2024, 1, 31), "tier", 2),
            (date(2024, 2, 29), "tier", 2),
            (MARCH, "likes", 1),
            (MARCH, "draft", 2),
            (APRIL, "idle", 2),
        )
    ],
    "validation.validation_report": [
        {
            "as_of": as_of,
            "area": area,
            "subject": subject,
            "metric": metric,
            "value": 0.5,
            "verdict": verdict,
            "advice_en": "a",
            "advice_zh": "甲",
        }
        for as_of, area, subject, metric, verdict in (
            (APRIL, "checks", "one", "tables failed", "warn"),
            (APRIL, "drift", "tag tier", "PSI", "fail"),
            (APRIL, "drift", "tag tier", "PSI again", "warn"),
            (APRIL, "tags", "tier", "coverage", "pass"),
            (APRIL, "source", "transactions", SHARE_RETURNED, "not judged"),
            (MAY, "source", "transactions", SHARE_RETURNED, "not judged"),
            (MARCH, "drift", "tag tier", "PSI", "fail"),
        )
    ],
    "validation.check_results": [
        {"month": month, "check_name": name, "table_name": table, "passed": passed, "detail": "d"}
        for month, name, table, passed in (
            ("2024-04", "unique", "b", False),
            ("2024-04", "unique", "a", False),
            ("2024-04", "unique", "c", True),
            ("2024-04", "adds_up", "a", True),
            ("2024-03", "adds_up", "a", False),
        )
    ],
    "raw.receipts": [
        {
            "month": month,
            "table_name": table,
            "is_provided": table != "contacts",
            "rows_in_file": placed + unplaced,
            "rows_placed": placed,
            "rows_unplaced": unplaced,
            "rows_erased": 2 if month > "2024-03" and table == "transactions" else None,
        }
        for month, table, placed, unplaced in (
            # Each month has the numbers of the whole file, as they were when it was read.
            ("2024-03", "transactions", 22, 3),
            ("2024-04", "transactions", 26, 4),
            ("2024-05", "transactions", 26, 4),
            *((month, "balances", 90, 0) for month in ("2024-03", "2024-04")),
            *((month, "contacts", 0, 0) for month in ("2024-03", "2024-04")),
        )
    ],
    "cleaned.rejects": [
        {"table_name": table, "column_name": column, "rule": rule, "severity": "value"}
        for table, column, rule in (
            ("transactions", "amount", "unreadable"),
            ("transactions", None, "exact duplicate"),
            ("transactions", "amount", "unreadable"),
        )
    ],
    "cleaned.completeness": [
        {"month": month, "table_name": table, "is_complete": complete}
        for month, table, complete in (
            ("2024-03", "transactions", False),
            ("2024-04", "contacts", False),
            ("2024-05", "transactions", False),
            ("2024-05", "contacts", True),
        )
    ],
    "tags.tag_quality": [
        {"as_of": as_of, "tag_code": code, "recommendation": advised}
        for as_of in (MARCH, APRIL)
        for code, advised in (("tier", "keep"), ("idle", "review"), ("likes", "retire"))
        if (as_of, code) != (MARCH, "likes")
    ],
    "features.feature_selection": [
        {"as_of": as_of, "feature": name, "is_kept": kept, "reason": None if kept else "empty"}
        for as_of in (MARCH, APRIL)
        for name, kept in (("x", as_of == APRIL), ("y", False))
    ],
}


def of_april(segment: int | None = None) -> list[Row]:
    return [r for r in ROWS if r["as_of"] == APRIL and segment in (None, r["segment_id"])]
