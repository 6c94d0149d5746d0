"""Who refuses to be shared, or to be profiled, is in no shared file."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.stages.mart.shared.file import write_shared
from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import QuasiIdentifiers
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets_tests.mart.shared.world import CUSTOMERS, QUASI, REQUEST, matrix_of, people
from portrait_assets_tests.privacy.consent_world import write_consents


def test_who_refused_the_purpose_is_left_out_and_who_said_nothing_is_not(
    folder: Path, published: Path, catalogue: Catalogue, quasi: QuasiIdentifiers
) -> None:
    file, target = folder / "with_consents.duckdb", folder / "agreed.duckdb"
    shutil.copyfile(published, file)
    was = people(CUSTOMERS).sort("customer_id")
    ids = was["customer_id"].to_list()
    with duckdb.connect(str(file)) as con:
        write_consents(
            con,
            [
                (ids[0], "sharing", None, False, "withdrawn"),
                (ids[1], "sharing", None, False, "erasure_requested"),
                (ids[2], "marketing", None, False, "objection"),
                (ids[3], "sharing", None, True, "consent"),
            ],
        )
    for purpose, refusing in (("sharing", 2), ("marketing", 1), ("credit", 0)):
        request = replace(REQUEST, purpose=purpose)
        found = write_shared(file, target, catalogue, quasi, request)
        assert (found.refusing, found.customers) == (refusing, CUSTOMERS - refusing)
        assert min(matrix_of(target).group_by(QUASI).len()["len"]) >= 10
        left = was[2:] if purpose == "sharing" else was.filter(pl.col("customer_id") != ids[2])
        expected = was if purpose == "credit" else left
        assert Counter(matrix_of(target)["spent"]) == Counter(expected["spent"])


def test_who_may_not_be_profiled_is_in_no_shared_file(
    folder: Path, published: Path, catalogue: Catalogue, quasi: QuasiIdentifiers
) -> None:
    with_nulls, target = folder / "with_nulls.duckdb", folder / "without_nulls.duckdb"
    shutil.copyfile(published, with_nulls)
    with duckdb.connect(str(with_nulls)) as con:
        con.execute(
            "UPDATE tags.portrait_matrix SET profiling_allowed = false WHERE customer_id IN "
            "(SELECT DISTINCT customer_id FROM tags.portrait_matrix ORDER BY 1 LIMIT 7)"
        )
    found = write_shared(with_nulls, target, catalogue, quasi, REQUEST)
    assert found.customers == CUSTOMERS - 7
    assert "profiling_allowed" not in matrix_of(target).columns
