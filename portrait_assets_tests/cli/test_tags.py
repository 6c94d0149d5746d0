"""What commands on tags and decisions ask of the services, and what they print."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from portrait_assets.app.cli.rooms.tags import print_diff, print_tags
from portrait_assets.stages.predictions.governance.approvals import Action as PredictionAction
from portrait_assets.stages.predictions.governance.approvals import Kind
from portrait_assets.stages.tags.catalogue.governance import Action
from portrait_assets.stages.tags.services import Decision, DraftDiff, DraftVersion
from portrait_assets_tests.cli.conftest import Command, StandIn, printed

OF = ("--source", "corner_shop", "--data-dir")
NEWEST = date(2024, 4, 30)


def tag(code: str, **differing: object) -> SimpleNamespace:
    of = SimpleNamespace(
        **{"code": code, "version": 2, "status": "active", "element": "symbol", "kind": "rule"},
        **{"name_en": "Tier", "name_zh": "层级", "type": "DOUBLE", "sensitivity": "C2"},
        **{"values": (), "retired_from": None, "effective_from": None},
    )
    for name, value in differing.items():
        setattr(of, name, value)
    return of


def cells(line: str) -> list[str]:
    return [each.strip() for each in line.replace("│", "┃").split("┃")][1:-1]


@pytest.mark.parametrize(
    ("differing", "values", "since"),
    [
        ({}, "DOUBLE", ""),
        ({"values": [SimpleNamespace(value=v) for v in ("low", "high")]}, "low, high", ""),
        ({"effective_from": "2024-02"}, "DOUBLE", "2024-02"),
        ({"effective_from": "2024-02", "retired_from": "2024-03"}, "DOUBLE", "2024-03"),
    ],
)
def test_a_tag_is_a_line(differing: dict[str, object], values: str, since: str):
    lines = [cells(line) for line in printed(print_tags, [tag("tier", **differing)])]
    shared = ["tier", "2", "active", "symbol", "rule", "Tier", "层级"]
    assert [*shared, values, since] in lines


@pytest.mark.parametrize(
    ("given", "codes"), [((), ["a", "b", "c"]), (("--status", "draft"), ["b"])]
)
def test_tags_are_listed_by_status(
    command: Command, stand_in: StandIn, tmp_path: Path, given: tuple[str, ...], codes: list[str]
):
    listed = [tag("a"), tag("b", status="draft"), tag("c", status="retired")]
    catalogue = SimpleNamespace(tags=listed, withheld=[tag("d")])
    stand_in("app.cli.rooms.tags:_catalogue", catalogue)
    text = command("tags", "list", *OF, tmp_path, *given).stdout
    found = [cells(line)[0] for line in text.splitlines() if line.startswith("│")]
    assert found == codes
    assert text.endswith("d: withheld, for it reads what is of class C2\n")


def test_drafts_are_compared_as_asked_for(command: Command, stand_in: StandIn, tmp_path: Path):
    moved = pl.DataFrame(schema=dict.fromkeys(("code", "value", "before"), pl.String))
    diff = DraftDiff(NEWEST, 6000, (), moved)
    stand_in("app.cli.rooms.tags:_catalogue", "catalogue")
    stand_in("app.door:door_of", SimpleNamespace(smallest_group=10))
    service = stand_in("stages.tags.services:diff_drafts", diff)
    stand_in("stages.tags.services:pass_diff", diff)
    assert (
        "No customer's tags would change in 2024-04."
        in command(*("tags", "diff", *OF, tmp_path)).stdout
    )
    command("tags", "diff", "tier", "risk", *OF, tmp_path)
    assert [call.args[2] for call in service.mock_calls] == [None, ["tier", "risk"]]


def test_a_diff_says_whom_drafts_move_and_hides_the_few():
    moved = pl.DataFrame(
        [("tier", "high", 1200, 1300, 110, 10), ("tier", "low", None, None, None, None)],
        schema=["code", "value", "before", "after", "entering", "leaving"],
        orient="row",
    )
    drafts = (DraftVersion("tier", 3, "low: < 5 [was 4]"),)
    lines = printed(print_diff, DraftDiff(NEWEST, 6000, drafts, moved), smallest=10)
    assert lines[:2] == ["tier version 3", "low: < 5 [was 4]"]
    assert ["tier", "high", "1,200", "1,300", "110", "10"] in [cells(line) for line in lines]
    assert ["tier", "low", *("–" * 4)] in [cells(line) for line in lines]
    assert lines[-1] == "–: one of the four counts is of fewer than 10 customers."
    whole = printed(print_diff, DraftDiff(NEWEST, 6000, drafts, moved.head(1)), smallest=10)
    assert not any("fewer than" in line for line in whole)


DECIDED = ("--by", "Li Na", "--reason", "agreed", "--from", "2024-05")


@pytest.mark.parametrize(
    ("action", "of", "sentence"),
    [("approve", Action.ACTIVATE, "is active"), ("retire", Action.RETIRE, "is retired")],
)
def test_a_decision_on_a_tag(
    command: Command, stand_in: StandIn, tmp_path: Path, action: str, of: Action, sentence: str
):
    stand_in("app.cli.rooms.tags:_catalogue", "catalogue")
    stand_in("stages.tags.services:latest_published", "2024-04")
    approval = SimpleNamespace(version=3, effective_from="2024-05")
    service = stand_in("stages.tags.services:decide", approval)
    text = command("tags", action, "tier", *DECIDED, *OF, tmp_path).stdout
    catalogue, file, decision, latest = service.mock_calls[0].args
    assert (catalogue, file.name, latest) == ("catalogue", "tag_approvals.yaml", "2024-04")
    assert decision == Decision("tier", "Li Na", "agreed", "2024-05", of)
    assert text == f"tier version 3 {sentence} from 2024-05 on; written to tag_approvals.yaml.\n"


@pytest.mark.parametrize("is_card", [False, True])
@pytest.mark.parametrize(
    ("action", "given", "version", "stands"),
    [
        ("approve", (), None, None),
        ("pin", (), None, "v7"),
        ("pin", ("--version", "v1"), "v1", "v1"),
        ("rollback", ("--version", "baseline"), "baseline", "baseline"),
    ],
)
def test_a_decision_on_a_model_or_card(
    command: Command,
    stand_in: StandIn,
    tmp_path: Path,
    is_card: bool,
    action: str,
    given: tuple[str, ...],
    version: str | None,
    stands: str | None,
):
    decision = SimpleNamespace(model_version=stands, effective_from="2024-05")
    service = stand_in("stages.predictions.governance.listing:decide", decision)
    card = ("--scorecard",) if is_card else ()
    text = command("predictions", action, "silence", *DECIDED, *OF, tmp_path, *given, *card).stdout
    assert service.mock_calls[0].args[1:] == (
        *("silence", PredictionAction(action), "2024-05", "Li Na", "agreed", version),
        Kind.SCORECARD if is_card else None,
    )
    of = "The scorecard of silence" if is_card else "silence"
    what = "is fitted anew" if stands is None else f"keeps version {stands}"
    assert text == f"{of} {what} from 2024-05 on; written to tag_approvals.yaml.\n"
