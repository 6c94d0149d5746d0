"""Targets in YAML: what a source may declare, and the sentence with the line for each mistake."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent, indent

import pytest

from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.schema.table import Type
from portrait_assets.stages.targets.adding import target_steps
from portrait_assets.stages.targets.declared.checking import check_sql
from portrait_assets.stages.targets.declared.entries import TargetEntry, TargetError
from portrait_assets.stages.targets.declared.outcome import Baseline, Kind
from portrait_assets.stages.targets.declared.outcomes import (
    FACTS,
    TARGETS_FILE,
    Targets,
    outcome,
    packaged_targets,
    source_targets,
)

HEAD = """
targets:
  - code: big_return
    name: {en: big return, zh: 大额回流}
    meaning: {en: An amount above 100., zh: 金额超过100。}
"""


def declared(folder: Path, text: str) -> Targets:
    (folder / TARGETS_FILE).write_text(text, encoding="utf-8")
    return source_targets(folder)


def of_keys(folder: Path, keys: str) -> Targets:
    """The target `big_return`, which begins on line 3, with these keys from line 6 on."""
    return declared(folder, HEAD + indent(dedent(keys).strip(), "    "))


def test_a_source_adds_a_target_with_a_window_of_its_own(tmp_path: Path):
    targets = of_keys(
        tmp_path,
        """
        hit: spend > 100
        eligible: purchases_before = 0
        amount: spend
        horizons: [2, 5]
        prediction_horizon: 5
        credit: true
        baselines: [{name: recency, zh: 近度, feature: recency_days, falls: true}]
        """,
    )
    own = targets.derived["big_return"]
    assert (own.hit, own.eligible, own.amount) == ("spend > 100", "purchases_before = 0", "spend")
    assert own.baselines == (Baseline("recency", "recency_days", True, False, "近度"),)
    assert own.windows == (2, 5)
    assert own.is_credit
    assert targets.outcomes[:-1] == packaged_targets().outcomes
    assert targets.horizons("customer_month") == (1, 2, 3, 5)
    assert targets.horizons("customer_balance_month") == (1, 3), "nothing more is asked of these"
    assert own in targets.tested


def test_a_source_changes_what_it_gives_of_a_target_of_the_package(tmp_path: Path):
    targets = declared(tmp_path, "targets: [{code: silence, prediction_horizon: 3}]")
    found, packaged = targets.derived["silence"], outcome("silence")
    assert found.prediction_horizon == 3
    assert (found.hit, found.baselines, found.en) == (packaged.hit, packaged.baselines, "silence")
    assert [each.code for each in targets.outcomes] == [
        each.code for each in packaged_targets().outcomes
    ]


def test_a_target_that_is_not_predicted_has_no_horizon(tmp_path: Path):
    assert outcome("silence").prediction_horizon == 1
    targets = declared(tmp_path, "targets: [{code: silence, predicted: false}]")
    assert targets.derived["silence"].prediction_horizon is None


def test_an_outcome_of_the_source_has_a_window_that_only_it_asks_for(tmp_path: Path):
    targets = of_keys(
        tmp_path, 'outcome: Late\nunreported: "no"\nhit: answer >= 0.5\nhorizons: [6]'
    )
    (own,) = targets.named.values()
    assert (own.of, own.by, own.needs, own.unreported_is_no) == (
        *("Late", Kind.SOURCE, "outcomes"),
        True,
    )
    assert own not in targets.tested, "tags are tested on it by the name that the source gives"
    step = next(s for s in target_steps(targets) if s.name == "source_outcome")
    assert [f"{read.name} {read.span}" for read in step.reads if hasattr(read, "span")] == [
        "outcomes Span(first=5, last=0)"
    ]


def test_a_source_without_a_file_has_the_package_s(tmp_path: Path):
    assert source_targets(tmp_path) is packaged_targets()


def test_the_package_s_own_targets_are_computable():
    check_sql(packaged_targets().outcomes, FACTS)
    for folder in PACKAGED_SOURCES.glob(f"*/{TARGETS_FILE}"):
        assert len(source_targets(folder.parent).outcomes) > len(packaged_targets().outcomes)


def test_an_empty_file_adds_nothing(tmp_path: Path):
    assert declared(tmp_path, "") == packaged_targets()


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (
            "hit: purchase > 0",
            "targets.yaml, line 6: hit of target big_return: there is no 'purchase' in a window "
            "(did you mean purchases?).",
        ),
        (
            "hit: spend > 0\neligible: compalints = 0",
            "targets.yaml, line 7: eligible of target big_return: there is no 'compalints' in a "
            "window (did you mean complaints?).",
        ),
        (
            "hit: spend > 0\namount: sped",
            "targets.yaml, line 7: amount of target big_return: there is no 'sped' in a window "
            "(did you mean spend?).",
        ),
        (
            "hit: spend > other",
            "targets.yaml, line 6: hit of target big_return: there is no 'other' in a window",
        ),
        (
            "hit: rank > 0.5\ncompared:\n  rank: percent_rank() OVER (ORDER BY sepnd)",
            "targets.yaml, line 7: compared of target big_return: there is no 'sepnd' in a window "
            "(did you mean spend?).",
        ),
        (
            "hit: spend",
            f"targets.yaml, line 6: hit of target big_return gives {Type.MONEY}; write a condition "
            "that is true or false.",
        ),
        (
            "hit: spend > 0\neligible: contacts",
            "targets.yaml, line 7: eligible of target big_return gives BIGINT; write a condition "
            "that is true or false.",
        ),
        (
            "hit: spend > 0\namount: spend > 0",
            "targets.yaml, line 7: amount of target big_return gives BOOLEAN; write a number.",
        ),
        (
            "hit: spend > > 0",
            "targets.yaml, line 6: hit of target big_return: DuckDB cannot read it (",
        ),
        (
            "hit: 'true); DROP TABLE x; SELECT (true'",
            "targets.yaml, line 6: hit of target big_return holds ';'; write one expression.",
        ),
        (
            "hit: (SELECT count(*) FROM read_csv('/etc/hosts')) > 0",
            "targets.yaml, line 6: hit of target big_return: DuckDB cannot read it (",
        ),
        (
            "hit: spend > 0\nhorzon: 3",
            "targets.yaml, line 7: target big_return has no key 'horzon' (did you mean horizons?).",
        ),
        ("horizons: [1]", "targets.yaml, line 3: target big_return has no hit; add it."),
        (
            "hit: spend > 0\nprediction_horizon: 13",
            "targets.yaml, line 7: prediction_horizon of target big_return must be a whole number "
            "of 1 or more and of 12 or less, not '13'.",
        ),
        (
            "hit: spend > 0\nhorizons: [1, 0]",
            "targets.yaml, line 7: horizons of target big_return must be a whole number of 1 or "
            "more and of 12 or less, not '0'.",
        ),
        (
            "hit: spend > 0\nhorizons: []",
            "targets.yaml, line 7: horizons of target big_return must be a list of one or more, "
            "not an empty list.",
        ),
        (
            "hit: spend > 0\nneeds: transaction",
            "targets.yaml, line 7: target big_return: there is no table 'transaction' (did you "
            "mean transactions?); name the one that it is derived from.",
        ),
        (
            "hit: spend > 0\nbaselines:\n  - {name: recency, zh: 近度, feature: recency_day}",
            "targets.yaml, line 8: target big_return: there is no feature 'recency_day' with an "
            "order (did you mean recency_days?); name one of the feature matrix.",
        ),
        (
            "hit: spend > 0\nbaselines:\n  - {name: place, zh: 地区, feature: region}",
            "targets.yaml, line 8: target big_return: there is no feature 'region' with an order",
        ),
        (
            "hit: spend > 0\ncredit: true\n"
            "baselines:\n  - {name: known, zh: 已知, feature: known_attribute_share}",
            "targets.yaml, line 9: target big_return: known_attribute_share is computed from age, "
            "which may not decide on credit; name another feature.",
        ),
        (
            "hit: spend > 0\nbaselines:\n  - {name: a, zh: 甲, feature: spend_1m}\n"
            "  - {name: a, zh: 乙, feature: spend_3m}",
            "targets.yaml, line 9: baseline 'a' of target big_return stands twice, first on line "
            "8; rename or remove one.",
        ),
        (
            "hit: answer > 0\noutcome: late\nby: product",
            "targets.yaml, line 3: target big_return: it is of one outcome of the source or by "
            "several; leave out one.",
        ),
        (
            'hit: spend > 0\nunreported: "no"',
            "targets.yaml, line 3: target big_return: unreported is of outcomes of the source; "
            "leave it out.",
        ),
        (
            "hit: answer > 0\noutcome: late\nunreported: never",
            "targets.yaml, line 8: unreported of target big_return must be one of unknown, no, not "
            "'never'.",
        ),
        (
            "hit: answer > 0",
            "targets.yaml, line 6: hit of target big_return: there is no 'answer' in a window",
        ),
        (
            "hit: has_before\nby: campaign",
            "targets.yaml, line 6: hit of target big_return: there is no 'has_before' in a window",
        ),
        (
            "hit: contacts > 0\nby: channel",
            "targets.yaml, line 7: by of target big_return must be one of campaign, product, "
            "outcome, not 'channel'.",
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(tmp_path: Path, keys: str, sentence: str):
    with pytest.raises(TargetError) as error:
        of_keys(tmp_path, keys)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "targets:\n  - code: silence\n  - code: silence\n",
            "targets.yaml, line 3: target silence stands twice, first on line 2; rename or remove "
            "one.",
        ),
        (
            "targets:\n  - {code: Silence}\n",
            "targets.yaml, line 2: code of target Silence: 'Silence' is no code; use small "
            "letters, digits and _.",
        ),
        (
            "facts: []\n",
            "targets.yaml, line 1: the file has no key 'facts'; it takes targets.",
        ),
        ("targets: [\n", "targets.yaml, line 2: this is not valid YAML"),
        (
            "targets:\n"
            + "".join(
                f"  - {{code: {code}, name: {{en: a, zh: 甲}}, meaning: {{en: a, zh: 甲}}, "
                "outcome: late, hit: answer > 0}\n"
                for code in ("first", "second")
            ),
            "targets.yaml, line 3: the outcome 'late' stands twice, first on line 2; rename or "
            "remove one.",
        ),
    ],
)
def test_a_mistake_of_the_file_is_one_sentence(tmp_path: Path, text: str, sentence: str):
    with pytest.raises(TargetError) as error:
        declared(tmp_path, text)
    assert str(error.value).startswith(sentence)


def test_the_example_of_the_how_to_can_be_computed(tmp_path: Path):
    page = (PACKAGED_SOURCES.parents[1] / "docs/howto/targets.md").read_text("utf-8")
    (example,) = re.findall(r"```yaml\n(.+?)```", page, re.S)
    targets = declared(tmp_path, example)
    assert targets.derived["big_return"].prediction_horizon == 3
    named = set(re.findall(r"`(\w+)`", page))
    assert {fact.name for fact in FACTS} <= named
    assert set(TargetEntry.model_fields) - {"code", "name", "meaning"} <= {*named, "predicted"}
