"""What commands on audiences and what is shared ask of the services, and what they print."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from portrait_assets.app.cli.printing import print_loss
from portrait_assets.app.cli.rooms.audience import SHOWN, print_audience
from portrait_assets.app.cli.rooms.lookalike import sentences
from portrait_assets.app.cli.rooms.publish import print_shared
from portrait_assets.app.lookalike.finding import Asked
from portrait_assets.app.publish import Wish
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.stages.tags.audiences.answers import TELLING
from portrait_assets_tests.cli.conftest import Command, StandIn, printed

OF = ("--source", "corner_shop", "--data-dir")
NEWEST = date(2024, 4, 30)


def audience(lines: int = 1, q_value: float = TELLING / 2) -> SimpleNamespace:
    profile = pl.DataFrame(
        {
            "tag_code": ["tier"] * lines,
            "tag_value": [f"v{number:02}" for number in range(lines)],
            "audience_share": [0.5] * lines,
            "base_share": [0.125] * lines,
            "tgi": [400.4] * lines,
            "q_value": [q_value] * lines,
        }
    )
    overlaps = pl.DataFrame({"audience_code": ["rich"], "both": [1200], "share_of_audience": [0.8]})
    return SimpleNamespace(
        size=1500, base=6000, share=0.25, as_of=NEWEST, profile=profile, overlaps=overlaps
    )


def test_an_audience_is_printed_with_profile_and_overlaps():
    lines = printed(print_audience, audience())
    assert lines[0] == "1,500 of 6,000 customers (25.0%) in 2024-04"
    (row,) = (line for line in lines if "tier" in line)
    assert [each.strip(" │") for each in row.split("│")][1:-1] == [
        *("tier", "v00", "50.0%", "12.5%", "400", f"{TELLING / 2:.1g}")
    ]
    assert lines[-1] == "rich: 1,200 in both, 80.0% of this audience"


@pytest.mark.parametrize(
    ("lines", "q_value", "shown"),
    [(SHOWN, 0.0, SHOWN), (SHOWN + 1, 0.0, SHOWN), (3, TELLING, 0)],
)
def test_a_profile_has_so_many_lines_and_only_telling_ones(lines: int, q_value: float, shown: int):
    sentence = printed(print_audience, audience(lines, q_value))
    assert sum("tier" in line for line in sentence) == shown
    assert any("Profile against" in line for line in sentence) is (shown > 0)


def found_audience(**differing: object) -> SimpleNamespace:
    found = SimpleNamespace(
        audience=audience(),
        notes=("a note",),
        written=None,
        shared=None,
        is_identified=False,
        purpose="analysis",
        generic=None,
        left_out={},
    )
    for name, value in differing.items():
        setattr(found, name, value)
    return found


def test_an_audience_is_asked_for_as_given(command: Command, stand_in: StandIn, tmp_path: Path):
    service = stand_in("stages.tags.audiences.finding:find_audience", found_audience())
    stand_in("app.door:door_of", "the door")
    channel = stand_in("app.door:known_channel", "SMS")
    assert "a note" in command("audience", "a = 1", *OF, tmp_path).stdout
    assert not channel.mock_calls
    command(
        *("audience", "a = 1", *OF, tmp_path, "--month", "2024-03", "--out", "a.csv", "--k", 5),
        *("--purpose", "sharing", "--channel", "sms", "--with-generic"),
    )
    plain, given = service.mock_calls
    assert plain.args[1:] == ("a = 1", "the door")
    assert plain.args[0].name == "portrait.duckdb"
    nothing = dict.fromkeys(("month", "saved", "out", "purpose", "channel", "k"))
    assert plain.kwargs == {**nothing, "with_generic": False}
    assert given.kwargs == {
        **{"month": "2024-03", "saved": None, "out": Path("a.csv"), "purpose": "sharing"},
        **{"channel": "SMS", "k": 5, "with_generic": True},
    }


@pytest.mark.parametrize(
    ("differing", "sentence"),
    [
        ({}, "by pseudonyms, for analysis; only you may read it."),
        ({"is_identified": True}, "by the source's identifiers, for analysis; only"),
        ({"shared": SimpleNamespace(anonymous=None)}, "by pseudonyms of its own, for analysis;"),
        ({"generic": 1300}, "1,300 more are in it who refuse profiling and may be contacted"),
        (
            {"left_out": {("marketing", "objection"): 1200, ("marketing", "default"): 2}},
            "1,202 left out; ",
        ),
    ],
)
def test_what_a_file_of_an_audience_holds_is_said(
    command: Command,
    stand_in: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    differing: dict[str, object],
    sentence: str,
):
    found = found_audience(written=1500, **differing)
    stand_in("stages.tags.audiences.finding:find_audience", found)
    stand_in("app.door:door_of")
    stand_in("stages.tags.audiences.export:reasons", "why")
    text = command("audience", "a = 1", *OF, tmp_path, "--out", "a.csv").stdout
    assert "1,500 customers written to a.csv by " in text
    assert sentence in text
    assert ("more are in it" in text) is ("generic" in differing)
    assert ("left out" in text) is ("left_out" in differing)


def anonymous(smallest: int) -> SimpleNamespace:
    column = SimpleNamespace(
        column="age", level="decades", as_recorded=0, generalised=3, suppressed=1
    )
    return SimpleNamespace(
        anonymous=SimpleNamespace(
            classes=1200,
            smallest_class=smallest,
            average_class=12.34,
            loss=0.256,
            columns=(column,),
        ),
        texts=(
            SimpleNamespace(column="note", level="all", as_recorded=0, generalised=0, suppressed=0),
        ),
    )


def test_what_anonymity_took_is_printed():
    lines = printed(print_loss, anonymous(10), k=10)
    assert lines[0].startswith("1,200 combinations of quasi-identifiers, each of 10 customers or")
    assert lines[0].endswith(
        "(the rarest of 10, 12.3 on average); 25.6% of their information is lost"
    )
    assert "age decades 0.0% 75.0% 25.0%" in lines
    assert "note all 0.0% 0.0% 0.0%" in lines
    few = printed(print_loss, anonymous(9), k=10)
    assert few[0].startswith("There are fewer than 10 customers, so that nothing is shown")
    public = printed(print_loss, SimpleNamespace(anonymous=None), k=10)
    assert public == ["The source is a public one: its customers are shared as they are."]


@pytest.mark.parametrize("refusing", [0, 1, 1200])
def test_a_shared_file_says_whom_it_is_of(refusing: int):
    shared = SimpleNamespace(
        customers=6000, as_of=NEWEST, refusing=refusing, rows=SimpleNamespace(anonymous=None)
    )
    lines = printed(print_shared, shared, k=10)
    assert lines[0] == "6,000 customers of 2024-04"
    more = f"{refusing:,} more are left out, for they refused the purpose"
    assert (more in lines) is (refusing > 0)


def test_a_shared_file_is_asked_for_as_given(command: Command, stand_in: StandIn, tmp_path: Path):
    shared = SimpleNamespace(
        customers=1, as_of=NEWEST, refusing=0, rows=SimpleNamespace(anonymous=None)
    )
    service = stand_in("app.publish:publish_shared", shared)
    internal = stand_in("app.publish:publish_internal")
    given = ("--profile", "shared", "--out", "s.duckdb", "--k", 4, "--month", "2024-03")
    text = command("publish", *OF, tmp_path, *given, "--purpose", "analysis").stdout
    wish = Wish("shared", Path("s.duckdb"), 4, "2024-03", "analysis")
    assert service.mock_calls[0].args[1] == wish
    assert text.endswith("Written to s.duckdb.\n")
    assert not internal.mock_calls


def test_the_internal_file_is_published_anew(command: Command, stand_in: StandIn, tmp_path: Path):
    service = stand_in("app.publish:publish_internal")
    stand_in("app.status:read_published", "what is there")
    shown = stand_in("app.cli.printing:print_published")
    assert command("publish", *OF, tmp_path).exit_code == 0
    assert service.mock_calls[0].args[0].source == "corner_shop"
    assert shown.mock_calls[0].args[0] == "what is there"


def lookalike(**differing: object) -> SimpleNamespace:
    """Of 200 members; AUC 0.8, as good as the nearest members; 1,000 prospects."""
    ends = Interval(0.8, 0.75, 0.85)
    proof = SimpleNamespace(family="trees", quality=ends)
    found = SimpleNamespace(
        seed=SimpleNamespace(name="wealthy", as_of=NEWEST, named=1200),
        lookalike=SimpleNamespace(
            proof=proof,
            members=1100,
            others=4900,
            of_similarity=Interval(0.7, 0.6, 0.8),
            gain=Interval(0.1, 0.0, 0.2),
            telling=(),
        ),
        shared=SimpleNamespace(names=("age", "city"), not_of_customers=(), not_of_prospects=()),
        prospects=1000,
        aside={},
        refused={},
        rows=pl.DataFrame({"not_known": [None, None]}, schema={"not_known": pl.String}),
        backtest=None,
    )
    for name, value in differing.items():
        for of in (found, found.seed, found.lookalike, found.shared, proof):
            if hasattr(of, name):
                setattr(of, name, value)
    return found


def test_what_was_learned_of_a_seed_is_said():
    assert list(sentences(lookalike())) == [  # type: ignore[arg-type]
        "Seed: 1,100 of the 6,000 customers in 2024-04 who allow profiling; the audience wealthy "
        "has 1,200",
        "Learned from: age, city",
        "Boosted trees: AUC 0.800 (0.750 to 0.850) of customers that it has not seen; nearest "
        "members alone 0.700 (0.600 to 0.800), gain 0.100 (0.000 to 0.200)",
        "1,000 prospects",
        "No backtest: a seed of an earlier month (--month) shows who has joined since",
    ]


WORSE = "The nearest members alone order customers surely better than the model does"
CHANCE = "The model is not surely better than chance: these attributes do not tell the seed"


@pytest.mark.parametrize(
    ("differing", "sentence", "is_said"),
    [
        ({"name": "a file"}, "who allow profiling; the file has 1,200", True),
        ({"family": "logistic"}, "Logistic regression: AUC", True),
        ({"gain": Interval(-0.1, -0.2, 0.0)}, WORSE, False),
        ({"gain": Interval(-0.1, -0.2, -0.01)}, WORSE, True),
        ({"quality": Interval(0.6, 0.5, 0.7)}, CHANCE, True),
        ({"quality": Interval(0.6, 0.501, 0.7)}, CHANCE, False),
        (
            {"telling": (SimpleNamespace(feature="city", auc=0.9991),)},
            "city alone has an AUC of 0.999: the seed may be selected by it (--leave-out city)",
            True,
        ),
        ({"aside": {"joined": 1200, "twice": 2}}, "1,202 set aside; joined since 1,200; ", True),
        ({"refused": {("marketing", "objection"): 3}}, "3 left out; marketing: objected 3", True),
        (
            {"not_of_customers": ("job", "car")},
            "Not used, for it is not known of customers: job, car",
            True,
        ),
        (
            {"not_of_prospects": ("job",)},
            "Not used, for it is not known of prospects in the words of customers: job",
            True,
        ),
        (
            {"rows": pl.DataFrame({"not_known": ["age", None]})},
            "1 are scored without an attribute that is not known (not_known)",
            True,
        ),
        (
            {"backtest": SimpleNamespace(prospects=2000, joined=50, auc=None, lift=2.0)},
            "Of 2,000 prospects listed by 2024-04 who were no customers then, 50 (2.5%) have joined"
            " since: too few of either to judge the score by",
            True,
        ),
        (
            {
                "backtest": SimpleNamespace(
                    prospects=2000, joined=50, auc=Interval(0.7, 0.6, 0.8), lift=2.345
                )
            },
            "joined since; AUC of the score 0.700 (0.600 to 0.800), lift of its best tenth 2.35",
            True,
        ),
    ],
)
def test_what_is_remarkable_of_a_lookalike_is_said(
    differing: dict[str, object], sentence: str, is_said: bool
):
    assert any(sentence in each for each in sentences(lookalike(**differing))) is is_said  # type: ignore[arg-type]


def test_a_lookalike_is_asked_for_as_given(command: Command, stand_in: StandIn, tmp_path: Path):
    service = stand_in("app.lookalike.finding:find_lookalike", lookalike())
    stand_in("app.door:known_channel", "SMS")
    text = command("lookalike", "wealthy", *OF, tmp_path, "--out", "p.csv").stdout
    assert text.endswith("2 prospects written to p.csv, for marketing; only you may read it.\n")
    command(
        *("lookalike", "wealthy", *OF, tmp_path, "--out", "p.csv", "--month", "2024-03"),
        *("--leave-out", "age, city,", "--channel", "sms"),
    )
    plain, given = (call.args[1:] for call in service.mock_calls)
    assert plain == (Asked("wealthy"), Path("p.csv"))
    assert given == (Asked("wealthy", "2024-03", ("age", "city"), "SMS"), Path("p.csv"))
