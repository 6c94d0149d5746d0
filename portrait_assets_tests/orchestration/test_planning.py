"""What a run must materialize, given what the warehouse has and what there is to read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from portrait_assets.core.errors import PortraitError
from portrait_assets.orchestration.planning import STAGES, Plan, plan, runs_of
from portrait_assets.orchestration.record import CHECKS, Materialized, Record
from portrait_assets.orchestration.record import REPORT as REPORT_PATH
from portrait_assets.stages.mart.report import REPORT_FILE
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.staleness.inputs import Inputs
from portrait_assets.storage.staleness.states import State

JANUARY, FEBRUARY, MARCH = MONTHS = ["2024-01", "2024-02", "2024-03"]
NOW = Inputs("files", "definitions")
NEW_FILES = Inputs("other files", "definitions")
NEW_DEFINITIONS = Inputs("files", "other definitions")
RAW, MATRIX, REPORT = "raw.transactions", "features.feature_matrix", "validation.validation_report"
BEFORE_LAST = STAGES[STAGES.index("validation") - 1]
UPSTREAM = {RAW: [], MATRIX: [RAW], REPORT: [MATRIX], "mart.portrait_file": [REPORT]}


def month(at: int, inputs: Inputs = NOW) -> dict[str, Materialized]:
    """All tables of a month, materialized and changed one after the other from this time on."""
    times = {RAW: at, MATRIX: at + 1, REPORT: at + 2, CHECKS: at + 3}
    return {name: Materialized(State(when, when), inputs, 10) for name, when in times.items()}


def changed_at(when: int) -> Materialized:
    """A table that was materialized and changed at this time."""
    return Materialized(State(when, when), NOW, 10)


COMPLETE = Record(
    {JANUARY: month(10), FEBRUARY: month(20), MARCH: month(30)},
    upstream=UPSTREAM,
    published_at=datetime(2024, 4, 1, 6, 30),
)


def without(record: Record, name: str, *tables: str) -> Record:
    """The record without these tables of a month; without all of them by default."""
    left = {t: m for t, m in record.months[name].items() if tables and t not in tables}
    return replace(record, months={**record.months, name: left}, published_at=None)


def with_month(record: Record, name: str, tables: dict[str, Materialized]) -> Record:
    return replace(record, months={**record.months, name: tables}, published_at=None)


def test_where_nothing_has_changed_there_is_nothing_to_do():
    found = plan(MONTHS, None, COMPLETE, NOW)
    assert found.is_empty
    assert found.sentence == "Nothing has changed since it was published, 2024-04-01 06:30 UTC."


def test_a_new_source_is_read_and_run_whole():
    found = plan(MONTHS, None, Record(), NOW)
    assert (found.raw, found.months, found.publish) == (MONTHS, MONTHS, True)
    assert found.sentence == ("2024-01 has not been materialized: running 2024-01 to 2024-03.")


def test_what_is_not_published_is_published_and_nothing_else_is_run():
    found = plan(MONTHS, None, replace(COMPLETE, published_at=None), NOW)
    assert (found.raw, found.months, found.publish) == ([], [], True)
    (run,) = runs_of(found, dict.fromkeys(MONTHS, 10), 10)
    assert (set(run.rooms), run.months) == ({"mart"}, MONTHS)


def test_a_run_that_was_stopped_goes_on_at_the_month_that_it_had_reached():
    stopped = without(without(COMPLETE, MARCH, MATRIX, REPORT), FEBRUARY, REPORT)
    found = plan(MONTHS, None, stopped, NOW)
    assert (found.raw, found.months) == ([], [FEBRUARY, MARCH])
    assert found.reason == f"2024-02 was not completed ({REPORT} is missing)"


def test_stages_that_a_stopped_run_had_finished_stand():
    # The stage before the first that lacks anything is run as well: its checks may be lacking.
    stopped = without(without(COMPLETE, MARCH, MATRIX, REPORT), FEBRUARY, REPORT)
    found = plan(MONTHS, None, stopped, NOW)
    assert found.first_stages == {FEBRUARY: BEFORE_LAST, MARCH: "consent"}
    assert found.sentence.endswith(": running 2024-02 to 2024-03 from consent on.")
    assert [run.rooms for run in runs_of(found, dict.fromkeys(MONTHS, 10), 10)] == [
        {BEFORE_LAST, "validation"},
        {*STAGES[STAGES.index("consent") :]} - {"mart"},
        {"mart"},
    ]


def test_a_month_runs_the_stages_that_one_before_it_runs():
    stopped = without(without(COMPLETE, FEBRUARY, MATRIX, REPORT), MARCH, REPORT)
    found = plan(MONTHS, None, stopped, NOW)
    assert found.first_stages == {FEBRUARY: "consent", MARCH: "consent"}
    stale = with_month(
        COMPLETE, JANUARY, month(10) | {MATRIX: changed_at(25), CHECKS: changed_at(26)}
    )
    found = plan(MONTHS, None, stale, NOW)
    assert found.first_stages == {JANUARY: BEFORE_LAST, FEBRUARY: "consent", MARCH: "consent"}


def test_months_asked_for_that_a_run_had_begun_go_on_and_those_that_are_whole_run_whole():
    stopped = without(without(COMPLETE, FEBRUARY, REPORT), MARCH, REPORT)
    begun = plan(MONTHS, [FEBRUARY, MARCH], stopped, NOW)
    assert begun.first_stages == {FEBRUARY: BEFORE_LAST, MARCH: BEFORE_LAST}
    assert plan(MONTHS, [FEBRUARY, MARCH], COMPLETE, NOW).first_stages == {}


def test_a_table_that_was_not_checked_before_the_run_stopped_is_materialized_again():
    unchecked = month(30) | {REPORT: Materialized(State(50, 50), NOW)}
    found = plan(MONTHS, None, with_month(COMPLETE, MARCH, unchecked), NOW)
    assert (found.raw, found.months) == ([], [MARCH])
    unread = month(30) | {RAW: Materialized(State(50, 30), NOW)}
    found = plan(MONTHS, None, with_month(COMPLETE, MARCH, unread), NOW)
    assert (found.raw, found.months) == ([MARCH], [MARCH])


@pytest.mark.parametrize(("table", "raw"), [(MATRIX, []), (RAW, [FEBRUARY])])
def test_a_month_that_failed_a_check_is_run_again_and_is_read_again_where_that_failed(
    table: str, raw: list[str]
):
    failed = replace(COMPLETE, failed={FEBRUARY: frozenset({table})})
    found = plan(MONTHS, None, failed, NOW)
    assert (found.raw, found.months) == (raw, [FEBRUARY, MARCH])
    assert found.reason == f"2024-02 failed a check of {table}"


def test_files_that_changed_are_read_before_it_is_known_which_months_did():
    found = plan(MONTHS, None, COMPLETE, NEW_FILES)
    assert (found.raw, found.months) == (MONTHS, [])
    assert found.sentence == (
        "The source's files have changed: reading 2024-01 to 2024-03, then running the months "
        "whose rows differ."
    )


def test_of_files_that_were_read_the_months_from_the_first_changed_one_on_are_run():
    read = {name: {**month(at, NEW_FILES)} for name, at in zip(MONTHS, (10, 20, 30), strict=True)}
    for name, tables in read.items():
        changed_at = 50 if name == FEBRUARY else tables[RAW].state.changed_at
        tables[RAW] = Materialized(State(50, changed_at), NEW_FILES)
        tables[CHECKS] = Materialized(State(51, 51), NEW_FILES)
    found = plan(MONTHS, None, replace(COMPLETE, months=read), NEW_FILES)
    assert (found.raw, found.months) == ([], [FEBRUARY, MARCH])
    assert f"{MATRIX} is older than {RAW}" in found.sentence


def test_files_that_changed_and_a_month_that_is_missing_are_both_seen_to():
    found = plan([*MONTHS, "2024-04"], None, COMPLETE, NEW_FILES)
    assert (found.raw, found.months) == ([*MONTHS, "2024-04"], ["2024-04"])


def test_definitions_that_changed_ask_for_all_months():
    found = plan(MONTHS, None, COMPLETE, NEW_DEFINITIONS)
    assert (found.raw, found.months) == (MONTHS, MONTHS)
    assert "definitions or the version have changed since 2024-01" in found.sentence


def test_a_run_under_new_definitions_that_was_stopped_goes_on_where_they_are_old():
    half = month(40, NEW_DEFINITIONS) | {REPORT: COMPLETE.months[FEBRUARY][REPORT]}
    record = with_month(COMPLETE, JANUARY, month(30, NEW_DEFINITIONS))
    found = plan(MONTHS, None, with_month(record, FEBRUARY, half), NEW_DEFINITIONS)
    assert (found.raw, found.months) == ([MARCH], [FEBRUARY, MARCH])


def test_rows_whose_run_left_no_note_of_its_inputs_are_materialized_again():
    unknown = {t: replace(each, inputs=None) for t, each in month(30).items()}
    found = plan(MONTHS, None, with_month(COMPLETE, MARCH, unknown), NOW)
    assert (found.raw, found.months) == ([MARCH], [MARCH])


def test_a_month_materialized_after_a_later_one_leaves_the_later_stale():
    found = plan(MONTHS, None, with_month(COMPLETE, FEBRUARY, month(90)), NOW)
    assert (found.raw, found.months) == ([], [MARCH])
    assert f"{RAW} is older than {RAW} of 2024-02" in found.sentence


def test_months_asked_for_are_run_whatever_they_are():
    found = plan(MONTHS, [FEBRUARY], COMPLETE, NOW)
    assert (found.raw, found.months, found.publish) == ([FEBRUARY], [FEBRUARY], True)


def test_the_first_month_that_is_stale_or_lacks_anything_is_where_a_run_begins():
    stale = with_month(
        COMPLETE, FEBRUARY, month(20) | {RAW: changed_at(22), CHECKS: changed_at(26)}
    )
    found = plan(MONTHS, None, without(stale, MARCH, REPORT), NOW)
    assert found.months == [FEBRUARY, MARCH]
    assert found.reason.startswith("2024-02 is stale")


def test_where_files_changed_too_a_month_that_lacks_a_late_table_runs_from_its_rows_on():
    stopped = without(COMPLETE, FEBRUARY, REPORT)
    found = plan(MONTHS, None, stopped, NEW_FILES)
    assert found.first_stages == {FEBRUARY: "raw", MARCH: "raw"}


def test_the_source_is_read_once_and_the_pieces_after_it_begin_behind_that():
    raw, behind, *_ = STAGES
    whole = Plan(MONTHS, MONTHS, True, "asked for")
    first, *pieces, last = runs_of(whole, dict.fromkeys(MONTHS, 10), 20)
    assert (set(first.rooms), first.months) == ({raw}, MONTHS)
    assert [piece.months for piece in pieces] == [[JANUARY, FEBRUARY], [MARCH]]
    assert all(piece.rooms == {*STAGES} - {raw, "mart"} for piece in pieces)
    assert (set(last.rooms), last.months) == ({"mart"}, MONTHS)
    from_behind = Plan([], MONTHS, True, "why", dict.fromkeys(MONTHS, behind))
    assert from_behind.sentence == "Why: running 2024-01 to 2024-03."


def test_where_a_run_of_months_asked_for_was_stopped_the_same_command_goes_on():
    stopped = without(without(COMPLETE, MARCH), FEBRUARY, REPORT)
    found = plan([*MONTHS, "2024-04"], MONTHS, stopped, NOW)
    assert (found.raw, found.months) == ([MARCH], [FEBRUARY, MARCH])
    changed = plan([*MONTHS, "2024-04"], MONTHS, stopped, NEW_DEFINITIONS)
    assert (changed.raw, changed.months) == (MONTHS, MONTHS)


def test_before_a_month_asked_for_those_that_were_never_completed_are_run():
    found = plan(MONTHS, [MARCH], without(COMPLETE, FEBRUARY, REPORT), NOW)
    assert found.months == [FEBRUARY, MARCH]
    assert "2024-03 looks back on 2024-02, which was never completed" in found.sentence
    assert plan(MONTHS, [FEBRUARY], Record(), NOW).raw == [JANUARY, FEBRUARY]
    later = plan(MONTHS, [FEBRUARY, MARCH], without(COMPLETE, JANUARY, REPORT), NOW)
    assert later.months == MONTHS


def test_before_a_month_asked_for_rows_that_changed_in_earlier_months_are_read():
    found = plan(MONTHS, [MARCH], COMPLETE, NEW_FILES)
    assert (found.raw, found.months) == (MONTHS, [MARCH])
    assert found.sentence == (
        "2024-03 looks back on 2024-01, and the source's files have changed since: reading "
        "2024-01 to 2024-03, then running 2024-03."
    )
    assert plan(MONTHS, [JANUARY], COMPLETE, NEW_FILES).raw == [JANUARY]


def test_one_table_of_an_earlier_month_that_was_read_from_other_files_is_enough():
    mixed = month(10) | {"raw.products": Materialized(State(10, 10), NEW_FILES)}
    found = plan(MONTHS, [MARCH], with_month(COMPLETE, JANUARY, mixed), NOW)
    assert (found.raw, found.months) == (MONTHS, [MARCH])


def test_before_a_month_asked_for_those_that_are_stale_are_run():
    changed = month(20) | {RAW: Materialized(State(90, 90), NOW)}
    found = plan(MONTHS, [MARCH], with_month(COMPLETE, FEBRUARY, changed), NOW)
    assert (found.raw, found.months) == ([MARCH], [FEBRUARY, MARCH])
    assert f"2024-02, which is stale: {MATRIX} is older than {RAW}" in found.sentence
    itself = plan(MONTHS, [FEBRUARY], with_month(COMPLETE, FEBRUARY, changed), NOW)
    assert (itself.raw, itself.months, itself.reason) == ([FEBRUARY], [FEBRUARY], "asked for")


def test_months_are_read_without_a_gap():
    record = with_month(COMPLETE, JANUARY, month(10, NEW_FILES))
    found = plan(MONTHS, None, with_month(record, MARCH, month(30, NEW_FILES)), NOW)
    assert (found.raw, found.months) == (MONTHS, [])


def test_definitions_that_changed_do_not_add_to_the_months_asked_for():
    found = plan(MONTHS, [MARCH], COMPLETE, NEW_DEFINITIONS)
    assert (found.raw, found.months) == ([MARCH], [MARCH])


def test_what_is_named_without_loading_its_module_has_that_name():
    assert CHECK_RESULTS.full_name == CHECKS
    assert str(REPORT_FILE) == REPORT_PATH


def test_of_a_version_that_noted_no_inputs_months_are_known_to_be_complete():
    older = {
        name: {table: replace(each, inputs=None) for table, each in tables.items()}
        for name, tables in COMPLETE.months.items()
    }
    record = Record(older)
    assert plan(MONTHS, [MARCH], record, NOW).months == [MARCH]
    assert plan(MONTHS, None, record, NOW).months == MONTHS


def test_a_month_whose_rows_are_no_longer_kept_is_not_made_again():
    """What was computed of it stays, and nothing could be computed of what is left."""
    closed = replace(COMPLETE, closed={JANUARY: "transactions"}, published_at=None)
    found = plan(MONTHS, None, closed, NEW_DEFINITIONS)
    assert (found.raw, found.months) == ([FEBRUARY, MARCH], [FEBRUARY, MARCH])
    found = plan(MONTHS, [MARCH], without(closed, JANUARY, MATRIX), NOW)
    assert (found.raw, found.months) == ([MARCH], [MARCH])
    with pytest.raises(
        PortraitError, match=r"2024-01 cannot be made again, .* transactions are no"
    ):
        plan(MONTHS, [JANUARY, FEBRUARY], closed, NOW)
