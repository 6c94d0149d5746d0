"""Whose a record is: as last known, and as of the month of each row."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from portrait_assets.stages.identity.lookup import as_known, moved, with_customer_id

MONTHS = ("2023-11", "2023-12", "2024-01", "2024-02")
RECORDS = ("a", "b", "c")
_MAPPED = st.dictionaries(
    st.tuples(st.sampled_from(MONTHS), st.sampled_from(RECORDS)),
    st.sampled_from(("a", "b", "c", "z")),
)


def identity_map(mapped: dict[tuple[str, str], str]) -> pl.DataFrame:
    rows = [(month, record, customer) for (month, record), customer in mapped.items()]
    names = ["month", "source_customer_id", "customer_id"]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


@settings(max_examples=40)
@given(_MAPPED)
def test_each_row_has_the_customer_of_the_newest_word_on_it_up_to_its_month(mapped):
    rows = [(month, record) for record in (*RECORDS, "x", None) for month in reversed(MONTHS)]
    frame = pl.DataFrame(
        [(month, record, n) for n, (month, record) in enumerate(rows)],
        schema={"month": pl.String, "customer_id": pl.String, "n": pl.Int64},
        orient="row",
    )

    def customer(month: str, record: str | None) -> str | None:
        words = [(since, who) for (since, of), who in mapped.items() if of == record]
        return max((word for word in words if word[0] <= month), default=("", record))[1]

    found = with_customer_id(frame, moved(identity_map(mapped)))
    assert found.columns == frame.columns
    assert found["n"].to_list() == frame["n"].to_list(), "in the order in which they came"
    assert found["customer_id"].to_list() == [customer(*row) for row in rows]


@given(_MAPPED)
def test_as_known_is_the_last_word_on_each_record(mapped):
    last = {record: who for (_, record), who in sorted(mapped.items())}
    found = as_known(identity_map(mapped)).select("source_customer_id", "customer_id")
    assert dict(found.iter_rows()) == last
    assert found.height == len(last)
