"""A file of an audience for others: nobody is found in it either."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.privacy.consent import Use
from portrait_assets.privacy.departures.register import Entry
from portrait_assets.stages.tags.audiences.audience import select_audience
from portrait_assets.stages.tags.audiences.condition import matrix_columns
from portrait_assets.stages.tags.audiences.shared import (
    Sharing,
    check_apart,
    export_shared,
    is_for_others,
    shared_before,
)
from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import QuasiIdentifiers
from portrait_assets.stages.tags.catalogue.tag import Catalogue, TagError
from portrait_assets.stages.tags.shared_rows import SharingError
from portrait_assets_tests.mart.shared.world import CUSTOMERS, QUASI, people
from portrait_assets_tests.privacy.consent_world import Answer, write_consents


def test_an_audience_for_others_is_anonymous_among_those_who_are_exported(
    tmp_path: Path, published: Path, catalogue: Catalogue, quasi: QuasiIdentifiers
):
    path = tmp_path / "people.parquet"
    seen: list[tuple[int, bytes]] = []
    with duckdb.connect(str(published), read_only=True) as con:
        columns = matrix_columns(con)
        del columns["favourite"]
        found = export_shared(
            con,
            select_audience(con, "spent > 700"),
            path,
            Sharing(catalogue, quasi, 5),
            columns,
            Use("sharing"),
            records=lambda rows, customers, whole: seen.append((customers, whole.read_bytes())),
        )
    rows, was = pl.read_parquet(path), people(CUSTOMERS).filter(pl.col("spent") > 700)
    assert Counter(rows["spent"]) == Counter(was["spent"])
    assert min(rows.group_by(QUASI).len()["len"]) >= 5
    assert rows["customer_id"].is_sorted()
    assert not set(rows["customer_id"]) & set(was["customer_id"])
    assert not {"favourite", "customer_no", "class_no", "profiling_allowed"} & set(rows.columns)
    assert found.rows.loss(5)["smallest_class"] == f"{min(rows.group_by(QUASI).len()['len'])}"
    assert seen == [(was.height, path.read_bytes())]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("silence", "consents", "left"),
    [
        # Nobody was asked: who objected is left out, to whatever.
        ({}, 0, lambda n: n > 3),
        # Consents are there: only who agreed is in it.
        ({}, 1, lambda n: 4 <= n < 40),
        ({"sharing": True}, 0, lambda n: n > 3),
    ],
)
def test_an_audience_for_sharing_is_of_who_agreed_where_customers_were_asked(
    tmp_path: Path,
    published: Path,
    catalogue: Catalogue,
    quasi: QuasiIdentifiers,
    silence: dict[str, bool],
    consents: int,
    left: Callable[[int], bool],
) -> None:
    file, path = Path(shutil.copy(published, tmp_path)), tmp_path / "people.csv"
    was = people(CUSTOMERS)
    ids = was["customer_id"].to_list()
    answers: list[Answer] = [(who, "sharing", None, False, "objection") for who in ids[:3]]
    answers += [(ids[3], "profiling", None, False, "objection")]
    answers += [(who, "sharing", None, True, "consent") for who in ids[4:40]]
    with duckdb.connect(str(file)) as con:
        write_consents(con, answers, silence, consents)
        found = export_shared(
            con,
            select_audience(con, "spent > 0"),
            path,
            Sharing(catalogue, quasi),
            matrix_columns(con),
            Use("sharing"),
        )
    expected = was.filter(pl.Series([left(n) for n in range(CUSTOMERS)]))
    rows = pl.read_csv(path)
    assert Counter(rows["spent"]) == Counter(float(spent) for spent in expected["spent"])
    assert found.customers == expected.height
    assert found.left_out["sharing", "objection"] == 3
    assert sum(found.left_out.values()) == CUSTOMERS - expected.height
    assert min(rows.group_by(QUASI).len()["len"]) >= 10


def test_an_audience_in_which_nobody_would_be_hidden_is_refused(
    tmp_path: Path, published: Path, catalogue: Catalogue, quasi: QuasiIdentifiers
) -> None:
    with duckdb.connect(str(published), read_only=True) as con:
        few = select_audience(con, "customer_id < 'C00009'")
        for path, error, sentence in (
            (tmp_path / "few.csv", SharingError, "^Fewer than 10 customers of the audience may be"),
            (tmp_path / "few.xlsx", TagError, r"neither \.csv nor \.parquet"),
        ):
            with pytest.raises(error, match=sentence):
                export_shared(
                    con,
                    few,
                    path,
                    Sharing(catalogue, quasi),
                    matrix_columns(con),
                    Use("sharing"),
                )
    assert list(tmp_path.iterdir()) == []


def test_an_audience_for_credit_hides_customers_where_they_were_never_asked(
    tmp_path: Path, published: Path
) -> None:
    for consents, hidden in ((0, True), (1, False)):
        file = Path(shutil.copy(published, tmp_path / f"{consents}.duckdb"))
        with duckdb.connect(str(file)) as con:
            write_consents(con, consents=consents)
            assert is_for_others(con, Use("credit")) is hidden
            assert is_for_others(con, Use("sharing"))
            assert not is_for_others(con, Use("marketing"))
            assert not is_for_others(con, Use("profiling"))


def left(question: str | None, month: str = "2024-04", purpose: str = "sharing") -> Entry:
    """The entry of a file for others; of all customers without a question."""
    about = {"month": month} | ({} if question is None else {"question": question})
    return Entry(7, datetime(2024, 5, 2, tzinfo=UTC), {"purpose": purpose, "about": about}, "0")


@pytest.mark.parametrize(
    ("before", "text", "is_refused"),
    [
        ("customer_id < 'C00100'", "customer_id < 'C00109'", True),
        ("customer_id < 'C00109'", "customer_id < 'C00100'", True),
        ("customer_id < 'C00100'", "customer_id < 'C00110'", False),
        ("customer_id < 'C00100'", "customer_id < 'C00100'", False),
        ("customer_id < 'C00100'", "customer_id >= 'C00100'", False),
        # One is there alone, 300 are here.
        ("customer_id < 'C00100'", "customer_id >= 'C00001'", True),
        (None, "customer_id < 'C00391'", True),
        (None, "customer_id < 'C00390'", False),
        (None, "spent > 0", False),
    ],
)
def test_files_of_a_month_differ_by_ten_customers_or_by_none(
    published: Path, before: str | None, text: str, is_refused: bool
) -> None:
    with duckdb.connect(str(published), read_only=True) as con:
        audience = select_audience(con, text)
        files = shared_before([left(before)], audience.as_of, matrix_columns(con))
        if not is_refused:
            check_apart(con, audience, Use("sharing"), files, 10)
            return
        says = r"by fewer than 10 customers from the one of 2024-05-02 \(entry 7 of the register\)"
        with pytest.raises(SharingError, match=says):
            check_apart(con, audience, Use("sharing"), files, 10)
        check_apart(con, audience, Use("sharing"), files, 1)


def test_files_are_compared_by_who_is_in_them_and_not_by_who_is_meant(
    tmp_path: Path, published: Path
) -> None:
    """The second means thirty more, of whom one has agreed to sharing; nobody was in the last."""
    file = Path(shutil.copy(published, tmp_path))
    agreed = [f"C{number:05d}" for number in (*range(40), 60)]
    answers: list[Answer] = [(who, "sharing", None, True, "consent") for who in agreed]
    with duckdb.connect(str(file)) as con:
        write_consents(con, answers)
        audience, columns = select_audience(con, "customer_id < 'C00070'"), matrix_columns(con)
        month = audience.as_of
        entries = [
            left("customer_id > 'C00100'"),
            left("customer_id < 'C00030'", month="2024-03"),
            left("no_column_by_now = 1"),
        ]
        files = shared_before(entries, month, columns)
        assert len(files) == 1
        check_apart(con, audience, Use("sharing"), files, 10)
        # Of all 400, who are in a file of all, 359 have said nothing.
        check_apart(con, audience, Use("sharing"), shared_before([left(None)], month, columns), 10)
        files = shared_before([left("customer_id < 'C00040'")], month, columns)
        with pytest.raises(SharingError, match="give that one, or change the condition by more"):
            check_apart(con, audience, Use("sharing"), files, 10)
