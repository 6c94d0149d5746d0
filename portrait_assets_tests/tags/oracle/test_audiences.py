"""Members and profiles of audiences, against a few lines of Python over the values."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest
from scipy.stats import chi2_contingency, false_discovery_control, fisher_exact
from scipy.stats.contingency import expected_freq

from portrait_assets.stages.tags.audiences.audience import select_audience
from portrait_assets.stages.tags.audiences.export import export_audience
from portrait_assets.stages.tags.audiences.saved_audiences import load_audiences, membership_sql
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets_tests.tags.oracle.five_months import DAYS, values_of

SAVED = """\
audiences:
  - {code: high, name: {en: High, zh: 高}, owner: tests, where: "tier = 'high'"}
  - {code: tops, name: {en: Top, zh: 上}, owner: tests, where: "third = 'top' OR home = 'east'"}
"""


def test_members_of_audiences_enter_stay_and_leave_once(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, tmp_path: Path
):
    (tmp_path / "a.yaml").write_text(SAVED, encoding="utf-8")
    columns = {column.name: column for column in catalogue.matrix_columns}
    saved = load_audiences(tmp_path / "a.yaml", columns)
    previous: str | None = None
    was: dict[str, set[str]] = {"high": set(), "tops": set()}
    for as_of in DAYS:
        matrix = f"SELECT * FROM tags.portrait_matrix WHERE as_of = DATE '{as_of}'"
        found = con.sql(membership_sql(saved, matrix, previous, as_of)).pl()
        tier, third, home = (values_of(con, as_of, code) for code in ("tier", "third", "home"))
        now = {
            "high": {who for who, value in tier.items() if value == "high"},
            "tops": {w for w, value in third.items() if value == "top" or home[w] == "east"},
        }
        expected = [
            (as_of, code, who, change, change != "left")
            for code in now
            for change, members in (
                ("entered", now[code] - was[code]),
                ("stayed", now[code] & was[code]),
                ("left", was[code] - now[code]),
            )
            for who in members
        ]
        assert found.rows() == sorted(expected)
        con.register("membership", found)
        con.execute("CREATE OR REPLACE TEMP TABLE members AS FROM membership")
        previous, was = "FROM members", now
    without = membership_sql(saved[:1], matrix, previous, as_of)
    assert set(con.sql(without).pl()["audience_code"]) == {"high"}


def test_the_profile_of_an_audience_compares_it_with_all_customers_of_its_month(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    as_of = DAYS[2]
    saved = {"tops": "third = 'top'", "nobody": "tier = 'high' AND tier = 'low'"}
    audience = select_audience(con, "tier = 'high'", as_of, saved)
    members = {who for who, value in values_of(con, as_of, "tier").items() if value == "high"}
    assert (audience.size, audience.base) == (len(members), 60)
    lines = audience.profile.to_dicts()
    assert {line["tag_code"] for line in lines} >= {"tier", "third", "interests", "answers"}
    for line in lines:
        own = {
            who
            for who, value in values_of(con, as_of, line["tag_code"]).items()
            if value is not None and line["tag_value"] in str(value).split(" + ")
        }
        both = len(own & members)
        assert (line["audience"], line["base"]) == (both, len(own))
        assert line["tgi"] == round(100 * both / len(members) / (len(own) / 60), 1)
        rest = len(own) - both
        table = [[both, len(members) - both], [rest, 60 - len(members) - rest]]
        if (expected_freq(table) < 5).any():
            assert line["p_value"] == pytest.approx(fisher_exact(table).pvalue)
        else:
            chance = chi2_contingency(table, correction=False).pvalue
            assert line["p_value"] == pytest.approx(chance)
    q_values = false_discovery_control([line["p_value"] for line in lines])
    assert [line["q_value"] for line in lines] == pytest.approx(q_values.tolist())
    apart = [abs(line["audience_share"] - line["base_share"]) for line in lines]
    assert apart == sorted(apart, reverse=True)
    tops = {who for who, value in values_of(con, as_of, "third").items() if value == "top"}
    both = len(tops & members)
    assert audience.overlaps.rows() == [
        (
            *("tops", len(tops), both),
            *(round(both / n, 6) for n in (len(members), len(tops), len(tops | members))),
        ),
        ("nobody", 0, 0, 0.0, None, 0.0),
    ]
    assert export_audience(con, audience, tmp_path / "a.parquet").customers == len(members)
    written = pl.read_parquet(tmp_path / "a.parquet")
    assert written["customer_id"].to_list() == sorted(members)
    assert set(written["as_of"]) == {as_of}
