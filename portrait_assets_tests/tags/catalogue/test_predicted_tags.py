"""Tags read what is predicted of their target, and state what gave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.schema.table import Table
from portrait_assets.stages.predictions.contract import (
    PREDICTION,
    PREDICTION_DECISION,
    PREDICTION_MODEL,
)
from portrait_assets.stages.predictions.lifecycle.contract import LIFECYCLE_STAGE
from portrait_assets.stages.predictions.value.contract import CUSTOMER_VALUE, VALUE_MODEL
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import quasi_identifiers
from portrait_assets.stages.tags.catalogue.inputs.bases import NOTHING, Basis
from portrait_assets.stages.tags.catalogue.inputs.evidence import without_evidence
from portrait_assets.stages.tags.catalogue.inputs.predicted import predicted_columns, rests_on
from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.evaluation.diff import catalogue_diff, with_drafts_active
from portrait_assets.stages.tags.evaluation.evaluate import Evaluation, evaluate
from portrait_assets.stages.tags.predicted_evidence import PredictedEvidence
from portrait_assets.stages.tags.shared_rows import predicted_from
from portrait_assets.stages.targets.declared.outcomes import Targets, outcome, packaged_targets
from portrait_assets.storage.duckdb.tables import ensure_table
from portrait_assets.testing.steps import small_database
from portrait_assets.testing.worlds.tags import touched_by
from portrait_assets_tests.tags.catalogue.test_evidence import EVERYTHING, JUNE, without, world

NAMES = "abcdef"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def rows(table: Table, *given: Mapping[str, object]) -> pl.DataFrame:
    """One row of each customer a, b, ... with these columns."""
    of_all = [
        {"as_of": JUNE, "customer_id": who} | dict(row)
        for who, row in zip(NAMES, given, strict=False)
    ]
    return pl.DataFrame(of_all, schema=table.polars_schema, strict=False)


def predicted(target: str, horizon: int = 1, **columns: Sequence[object]) -> pl.DataFrame:
    """The predictions of a target of customers a, b, ..."""
    height = len(next(iter(columns.values())))
    each = [{name: values[at] for name, values in columns.items()} for at in range(height)]
    return rows(PREDICTION, *({"target": target, "horizon": horizon} | row for row in each))


def evaluated(
    catalogue: Catalogue, tables: Mapping[Table, pl.DataFrame], **features: list[object]
) -> Evaluation:
    read = touched_by(catalogue, {*features, *catalogue.predicted})
    return evaluate(read, world(**features), None, None, JUNE, EVERYTHING, predicted=dict(tables))


def values_of(found: Evaluation, code: str) -> list[object]:
    return found.portrait_matrix.sort("customer_id")[code].to_list()


def confidences(found: Evaluation, code: str) -> list[float]:
    own = found.tag_table.filter(pl.col("tag_code") == code).sort("customer_id")
    return own["confidence"].to_list()


def test_lapse_risk_is_the_band_of_the_prediction_and_not_recency(catalogue: Catalogue):
    tables = {
        PREDICTION: pl.concat(
            [
                predicted(
                    "silence",
                    band=["highest", "high", "middle", "low", "lowest"],
                    low=[0.8, 0.5, 0.3, 0.1, None],
                    high=[0.9, 0.7, 0.34, 0.2, None],
                ),
                predicted("silence", horizon=3, band=["lowest"] * 5),
                predicted("purchase", band=["lowest", "low", "low", "high", "highest"]),
            ]
        )
    }
    found = evaluated(
        catalogue, tables, recency_days=[1, 2, 3, 4, 5], purchases_12m=[3, 3, 3, 3, 3]
    )
    assert values_of(found, "lapse_risk") == ["high", "high", "medium", "low", "low"]
    # One less the width of the interval; of whom there is none, how much is known of the rhythm.
    assert confidences(found, "lapse_risk") == [0.9, 0.8, 0.96, 0.9, 0.5]


def test_while_nothing_is_predicted_the_baseline_rule_decides(catalogue: Catalogue):
    features: dict[str, list[object]] = {
        "recency_days": [50, 40, 30, 20, 10, 0],
        "recorded_days": [181] * 6,
        "purchases_6m": [0, 1, 2, 4, 8, 16],
    }
    found = evaluated(catalogue, {}, **features)
    assert values_of(found, "lapse_risk") == ["high", "high", "medium", "low", "low", "low"]
    rule = [1 - (197 / 227) ** (n + 0.5) for n in (0, 1, 2, 4, 8, 16)]
    chances = [round(0.0001 + 0.9998 * chance, 4) for chance in rule]
    assert values_of(found, "purchase_probability_30d") == chances
    assert values_of(found, "lifecycle_stage") == [None] * 6


def test_a_probability_is_that_of_the_target_and_decides_the_outlook(catalogue: Catalogue):
    tables = {PREDICTION: predicted("purchase", score=[0.91234, 0.5, 0.1])}
    found = evaluated(catalogue, tables, spend_6m=[100, 100, 100])
    assert values_of(found, "purchase_probability_30d") == [0.9123, 0.5, 0.1001]
    assert values_of(found, "purchase_outlook") == ["likely", "open", "unlikely"]
    assert values_of(found, "spend_at_risk") == [8.77, 50, 89.99]


def test_no_tag_holds_a_probability_of_0_or_1_and_one_that_is_unknown_stays_unknown(
    catalogue: Catalogue,
):
    found = evaluated(
        catalogue,
        {},
        recorded_days=[181, 181, None],
        purchases_6m=[2_000, 0, None],
        response_rate_12m=[0.0, 1.0, None],
    )
    assert values_of(found, "purchase_probability_30d") == [0.9999, 0.0685, None]
    assert values_of(found, "expected_response_rate") == [0.0001, 0.9999, None]


def test_expected_spend_is_the_probability_times_the_usual_spend_of_a_month_with_a_purchase(
    catalogue: Catalogue,
):
    """600 in 6 of 12 months are 100 a month; 150 in 0.8 of 3 months are 62.50: 81.25 on average.

    The second has two months on record; the third bought in no month of the quarter, and the
    fourth in one, where the probability expects less than one.
    """
    tables = {PREDICTION: predicted("purchase", score=[0.8, 0.8, 0.1, 0.1])}
    found = evaluated(
        catalogue,
        tables,
        spend_12m=[600, 600, 120, 200],
        spend_3m=[150, 150, 0, 120],
        active_month_share_12m=[0.5, 1.0, 1 / 12, 2 / 12],
        observed_months=[12, 2, 12, 12],
    )
    assert values_of(found, "expected_spend_30d") == [65, 157.5, 12, 11]


def test_values_and_stages_are_read_as_they_stand(catalogue: Catalogue):
    stages = pl.concat(
        [
            rows(LIFECYCLE_STAGE, {"stage": "churn", "basis": "gaps"}),
            rows(LIFECYCLE_STAGE, {"stage": "growth", "basis": "gaps", "left_on": JUNE}),
        ]
    )
    tables = {
        LIFECYCLE_STAGE: stages,
        CUSTOMER_VALUE: rows(CUSTOMER_VALUE, {"expected_spend": Decimal("120.50"), "p_alive": 0.4}),
    }
    found = evaluated(catalogue, tables, spend_12m=[9, 1])
    assert values_of(found, "lifecycle_stage") == ["churn", None]
    assert [str(each) for each in values_of(found, "expected_spend_quarter")] == ["120.50", "None"]
    assert confidences(found, "expected_spend_quarter") == [0.4]
    assert values_of(found, "win_back") == [True, False], "the other has little value"


def test_a_tag_rests_on_predictions_also_by_way_of_others(catalogue: Catalogue):
    on = rests_on({tag.code: tag.reads for tag in catalogue.published}, catalogue.predicted)
    assert on["save_first"] == {"predicted_silence_band", "predicted_response_band"}
    assert on["next_action"] >= {"predicted_silence_band", "lifecycle"}
    assert on["value_tier"] == frozenset()


def test_nobody_has_a_prediction_without_the_table_that_its_target_is_of(catalogue: Catalogue):
    lacks = without_evidence(catalogue.active("2017-06"), without("responses"), catalogue.predicted)
    assert "responses" in lacks["expected_response_rate"]
    lacks = without_evidence(
        catalogue.active("2017-06"), without("transactions"), catalogue.predicted
    )
    assert lacks["expected_spend_quarter"] == ["transactions"]


def test_risks_of_credit_and_targets_by_kind_are_no_columns(catalogue: Catalogue):
    names = {each.of[0] for each in catalogue.predicted.values() if each.of}
    assert {"silence", "response"} <= names
    assert not names & {"overdue", "response_by_kind", "answer"}


def test_a_target_that_a_source_has_not_predicted_is_null_for_everyone():
    unpredicted = Targets((replace(outcome("silence"), prediction_horizon=None),))
    columns = predicted_columns(unpredicted)
    assert columns["predicted_silence"].of == ("silence", 0)


def test_two_targets_of_one_name_in_rules_are_refused():
    silence = outcome("silence")
    targets = Targets((silence, replace(silence, code="silence_low")))
    with pytest.raises(PortraitError, match=r"Two targets would both be called predicted_silence_"):
        predicted_columns(targets)


@pytest.mark.slow
def test_a_diff_of_drafts_reads_predictions_too(tmp_path: Path):
    draft = """
    tags:
      - code: lapse_risk
        version: 4
        status: draft
        values:
          - {value: high, en: High, zh: 高, when: "predicted_silence >= 0.5"}
          - {value: low, en: Low, zh: 低, when: "predicted_silence < 0.5"}
    """
    (tmp_path / "tags.yaml").write_text(draft, encoding="utf-8")
    drafted = load_catalogue(overrides=tmp_path / "tags.yaml")
    tables = {PREDICTION: predicted("silence", score=[0.6, 0.2], band=["lowest", "highest"])}
    moved = catalogue_diff(
        drafted,
        with_drafts_active(drafted),
        world(recency_days=[1, 2]),
        None,
        None,
        JUNE,
        predicted=tables,
    )
    risk = moved.filter(pl.col("tag_code") == "lapse_risk")
    assert risk.select("tag_value", "before", "after").rows() == [("high", 1, 1), ("low", 1, 1)]
    assert risk["entering"].to_list() == [1, 1]


# -- what the catalogue states ---------------------------------------------------------------


def basis(of: str, method: str | None = None) -> Basis:
    decided = [
        {"target": target, "horizon": 1, "basis": kind, "model_version": f"{target[0]}1"}
        for target, kind in (("silence", of), ("response", "baseline"), ("spend", of))
    ]
    schema = {n: PREDICTION_DECISION.polars_schema[n] for n in ("target", "horizon", "basis")}
    decisions = pl.DataFrame(decided, schema=schema | {"model_version": pl.String})
    valued = [{"method": method, "valued": 5}] if method else []
    schema = {n: VALUE_MODEL.polars_schema[n] for n in ("method", "valued")}
    return Basis.of(decisions, pl.DataFrame(valued, schema=schema))


def stated(catalogue: Catalogue, by: Basis) -> dict[str, tuple[str | None, list[str] | None]]:
    listed = catalogue_rows(catalogue, JUNE, None, by).filter("in_force")
    return {
        code: (of, versions)
        for code, of, versions in listed.select("tag_code", "basis", "model_versions").iter_rows()
    }


def test_the_catalogue_states_whether_a_model_or_a_baseline_gave_a_tag(catalogue: Catalogue):
    found = stated(catalogue, basis("model", "BG/NBD"))
    assert found["lapse_risk"] == ("model", ["silence s1"])
    assert found["expected_response_rate"] == ("baseline", ["response r1"])
    assert found["save_first"] == ("both", ["response r1", "silence s1"])
    assert found["lifecycle_stage"] == ("model", ["silence s1", "spend s1"])
    assert found["expected_spend_quarter"] == ("model", ["BG/NBD"])
    assert found["value_tier"] == (None, None)


def test_a_rule_that_repeats_the_past_is_a_baseline_and_so_is_what_is_not_predicted(
    catalogue: Catalogue,
):
    repeats = stated(catalogue, basis("baseline", "the last window repeats"))
    assert repeats["expected_spend_quarter"] == ("baseline", ["the last window repeats"])
    nothing = stated(catalogue, NOTHING)
    assert nothing["lapse_risk"] == nothing["expected_spend_quarter"] == ("baseline", None)
    assert nothing["lifecycle_stage"] == ("baseline", None)


def test_packaged_targets_are_read_by_every_catalogue(catalogue: Catalogue):
    assert set(predicted_columns(packaged_targets())) == set(catalogue.predicted)


# -- what may be found by it, and its evidence ------------------------------------------------


def test_what_a_model_computes_of_ages_is_a_quasi_identifier_and_so_is_what_reads_it(
    catalogue: Catalogue,
):
    definition = load_source(PACKAGED_SOURCES / "corner_shop").definition
    quasi = quasi_identifiers(definition, catalogue)
    names = [name for name in catalogue.predicted if name.startswith("predicted_silence")]
    of_age = quasi.of_matrix((), None, dict.fromkeys(names, ("recency_days", "age")))
    assert {"lapse_risk", "save_first"} <= of_age
    assert "purchase_outlook" not in of_age, "it is of another target"
    assert "lapse_risk" not in quasi.of_matrix((), None, dict.fromkeys(names, ("recency_days",)))


def test_the_features_of_the_months_models_are_read_from_the_file():
    with small_database() as con:
        ensure_table(con, PREDICTION_MODEL)
        con.execute(
            "INSERT INTO predictions.prediction_model BY NAME SELECT as_of, target, 1 AS horizon, "
            "'v' AS model_version, row_number() OVER () AS item, 'model' AS basis, 'f' AS family, "
            "'2017-06' AS fitted_in, 'p' AS part, 0 AS position, feature FROM (VALUES "
            f"(DATE '{JUNE}', 'silence', 'age'), (DATE '{JUNE}', 'spend', 'income'), "
            f"(DATE '{JUNE}', 'spend', NULL), (DATE '2017-05-31', 'return', 'region')"
            ") AS m(as_of, target, feature)"
        )
        found = predicted_from(con, JUNE)
    assert found["predicted_silence_band"] == ["age"]
    assert found["lifecycle"] == ["age", "income"]
    assert "predicted_return" not in found


def test_evidence_has_the_numbers_what_gave_them_and_the_reasons(catalogue: Catalogue):
    inputs = catalogue.tag("lapse_risk").inputs
    evidence = PredictedEvidence(inputs, catalogue.predicted)
    named = ", ".join(f"{sql} AS {name}" for name, sql in evidence.entries)
    given = pl.concat(
        [
            predicted(
                "silence",
                score=[0.4],
                band=["high"],
                basis=["model"],
                model_version=["m1"],
                reason_1=["+recency_days"],
                reason_2=["-spend_3m"],
            ),
            predicted("silence", horizon=2, score=[0.9], basis=["baseline"]),
        ]
    )
    with small_database() as con:
        con.execute("CREATE SCHEMA predictions")
        con.register("given", given)
        con.execute("CREATE TABLE predictions.prediction AS FROM given")
        con.execute(
            f"CREATE TABLE t AS SELECT DATE '{JUNE}' AS decided_as_of, "
            "unnest(['a', 'b']) AS customer_id"
        )
        rows = con.sql(f"SELECT {named} FROM t {evidence.joins} ORDER BY t.customer_id").pl()
    first, second = rows.rows(named=True)
    assert first == {
        "predicted_silence": 0.4,
        "predicted_silence_low": None,
        "predicted_silence_high": None,
        "predicted_silence_band": "high",
        "predicted_silence_basis": "model",
        "predicted_silence_model": "m1",
        "predicted_silence_reasons": "+recency_days, -spend_3m",
    }
    assert second["predicted_silence_basis"] == "baseline", "its rule decided"
    assert second["predicted_silence_reasons"] is None


def test_evidence_of_values_and_stages_is_read_from_their_tables(catalogue: Catalogue):
    of_values = PredictedEvidence(["expected_spend_3m"], catalogue.predicted)
    assert "value_method" in dict(of_values.entries)
    assert "predictions.customer_value" in of_values.joins
    of_stages = PredictedEvidence(["lifecycle"], catalogue.predicted)
    assert "lifecycle_entered_on" in dict(of_stages.entries)
    assert "left_on IS NULL" in of_stages.joins
    assert PredictedEvidence(["recency_days"], catalogue.predicted).entries == []
