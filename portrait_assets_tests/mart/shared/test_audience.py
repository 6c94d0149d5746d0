"""A file of an audience for others: nobody is found in it either."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.privacy.consent import Use
from portrait_assets.stages.tags.audiences.audience import select_audience
from portrait_assets.stages.tags.audiences.condition import matrix_columns
from portrait_assets.stages.tags.audiences.shared import Sharing, export_shared, is_for_others
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
