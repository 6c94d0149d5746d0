"""What the commands on any file ask of the services behind them, and what they print."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import polars as pl
import pytest

from portrait_assets.app.any_table.lifetime import FileValues, LeftOut
from portrait_assets.app.any_table.scorecard import Asked, Outputs
from portrait_assets.app.cli.rooms import lifetime, scorecard
from portrait_assets.methods.linkage.model import LinkageSettings
from portrait_assets.methods.prediction.table.predictions import Request
from portrait_assets.methods.scorecard.card.scale import Scale
from portrait_assets.methods.scorecard.errors import ScorecardError
from portrait_assets.methods.scorecard.fitting.binning import FALLING, RISING
from portrait_assets.methods.scorecard.fitting.looking import CardRules
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets_tests.cli.conftest import Command, StandIn

IN, OUT = Path("in.csv"), Path("out.csv")
NONE_LEFT = LeftOut(0, 0, 0, 0)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ([], (None, 0, (), ())),
        (["--segments", 3, "--seed", 5], (3, 5, (), ())),
        (["--leave-out", "name, y", "--keep", "no"], (None, 0, ("name", "y"), ("no",))),
        (["--keep", "no,id", "--keep", "n"], (None, 0, (), ("no", "id", "n"))),
    ],
)
def test_cluster(
    command: Command, stand_in: StandIn, given: list[object], asked: tuple[object, ...]
):
    found = SimpleNamespace(
        rows=1200, segments=2, shares=(0.6, 0.4), reason="apart [as asked]", not_used=("no", "id")
    )
    service = stand_in("stages.clusters.cluster_file:cluster_file", found)
    printed = command("cluster", IN, "--out", OUT, *given).stdout
    assert service.mock_calls[0].args == (IN, OUT, *asked)
    assert printed == (
        "1,200 rows, 2 segments (60.0%, 40.0%)\napart [as asked]\n"
        "not used: no, id (numbers the rows; --keep uses it)\n"
    )


@pytest.mark.parametrize(
    ("given", "id_column", "settings"),
    [
        ([], None, LinkageSettings(0.2, 1)),
        (["--id", "person", "--threshold", 0.7, "--seed", 3], "person", LinkageSettings(0.7, 3)),
    ],
)
def test_link(
    command: Command,
    stand_in: StandIn,
    given: list[object],
    id_column: str | None,
    settings: LinkageSettings,
):
    service = stand_in("stages.identity.commands:link_file", 1234)
    assert command("link", IN, "--out", OUT, *given).stdout == "1,234 pairs in out.csv\n"
    assert service.mock_calls[0].args == (IN, OUT, id_column, settings)


TENTHS = pl.DataFrame(
    {"tenth": [1], "rows": [1000], "predicted": [0.25], "happened": [0.5], "l": [0.1], "h": [0.9]}
)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ((), Request("y", None, False, (), (), None, 0)),
        (
            (
                *("--event", "no", "--classes", "--leave-out", "a, b,", "--keep", "c"),
                *("--order", "d", "--seed", 4),
            ),
            Request("y", "no", True, ("a", "b"), ("c",), "d", 4),
        ),
    ],
)
@pytest.mark.parametrize("parts", [1, 2])
def test_predict(
    command: Command,
    stand_in: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    given: tuple[object, ...],
    asked: Request,
    parts: int,
):
    found = SimpleNamespace(parts=[SimpleNamespace(tenths=TENTHS)] * parts)
    service = stand_in("app.any_table.predict:predict_file", found)
    stand_in("app.any_table.predict:sentences", ["one", "two"])
    lines = command("predict", IN, "--outcome", "y", "--out", OUT, *given).stdout.splitlines()
    assert service.mock_calls[0].args == (IN, OUT, asked)
    assert lines[:2] == ["one", "two"]
    assert lines[-1] == "scores in out.csv"
    table = [line.split() for line in lines[2:-1]]
    # By tenths only where one thing is predicted: of several classes each would have its own.
    assert (["1", "1,000", "0.25", "0.5", "0.1", "to", "0.9"] in table) is (parts == 1)


def scored(**differing: object) -> SimpleNamespace:
    """What was found of 30 rows: a card of two bins, judged on four."""
    bins = [
        SimpleNamespace(rows=1000, points=-12, bad_rate=0.25),
        SimpleNamespace(rows=0, points=0, bad_rate=None),
        SimpleNamespace(rows=0, points=7, bad_rate=None),
    ]
    bands = [
        SimpleNamespace(name="A", least=610, rows=20, bads=1, suggested="accept"),
        SimpleNamespace(name="B", least=None, rows=10, bads=5, suggested="refuse"),
    ]
    card = SimpleNamespace(
        fitted_rows=1000,
        fitted_bads=250,
        scale=Scale(20, 600, 50),
        base=580,
        characteristics=[SimpleNamespace(feature="age[y]", bins=bins)],
        bands=bands,
        band=lambda scores: pl.Series(["A" if score >= 610 else "B" for score in scores]),
    )
    ends = Interval(0.7, 0.65, 0.75)
    judged = SimpleNamespace(
        bads=pl.Series([1.0, 0.0, 0.0, 0.0]).to_numpy(),
        score=[620, 620, 500, 500],
        card=SimpleNamespace(auc=ends, ks=Interval(0.3, 0.2, 0.4), brier=Interval(0.1, 0.09, 0.11)),
        trees=SimpleNamespace(auc=ends, ks=ends, brier=ends),
        base_rate_brier=0.18751,
        gain=Interval(0.0, -0.01, 0.01),
    )
    refused = SimpleNamespace(feature="sex", reason="protected [by law]")
    leaking = SimpleNamespace(feature="late", reason="gives [it] away")
    suspect = SimpleNamespace(feature="odd", sentence="says [much]")
    fitted = SimpleNamespace(
        card=card, left_out=[refused, leaking], refused=[refused], suspects=[suspect]
    )
    found = SimpleNamespace(fitted=fitted, judged=judged, rows=1030, identifying=("row",))
    for name, value in differing.items():
        setattr(judged if hasattr(judged, name) else fitted, name, value)
    return found


def printed_of(command: Command, stand_in: StandIn, *given: object, found: object) -> str:
    stand_in("app.any_table.scorecard:scorecard_file", found)
    stand_in("methods.scorecard.card.reasons:label", "18 to 30")
    return command("scorecard", IN, "--outcome", "bad", "--out", OUT, *given).stdout


def test_scorecard_prints_card_proof_what_is_left_out_and_bands(
    command: Command, stand_in: StandIn
):
    printed = printed_of(command, stand_in, found=scored())
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert lines[0] == "bad is known of 1,000 of 1,030 rows, and 1 in 250 of them (25.0%)"
    assert "600 stand for 50 good to one bad, and 20 more for twice as many" in lines[1]
    assert lines[1].startswith("A score is 580 and ")
    # A bin without rows and points says nothing; the column is named once.
    assert lines[4:6] == ["age[y] 18 to 30 1,000 25.0% -12", "18 to 30 0 +7"]
    for line in (
        "Cross-validated on 4 rows, with 95 % intervals",
        "scorecard 0.700 (0.650..0.750) 0.300 (0.200..0.400) 0.100 (0.090..0.110)",
        "base rate 0.500 0.000 0.1875",
        "AUC of the trees less the card's: 0.000 (-0.010..0.010); neither is surely better, so "
        "that the simpler card stands",
        "A 610 and more 20 5.0% 50.0% accept",
        "B lower 10 50.0% 0.0% refuse",
        "1,030 rows have a score in out.csv",
    ):
        assert line in lines
    sentence = lines[lines.index("Refused") : lines.index("Bands")]
    assert [line for line in sentence if line] == [
        *("Refused", "sex: protected [by law]"),
        *("Left out", "row: it numbers the rows (--keep uses it)", "late: gives [it] away"),
        *("To look at", "odd: says [much]"),
    ]


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [
        (Interval(0.02, 0.001, 0.03), "the trees are surely better"),
        (Interval(0.02, 0.0, 0.03), "neither is surely better"),
        (Interval(-0.02, -0.03, 0.0), "neither is surely better"),
        (Interval(-0.02, -0.03, -0.001), "the card is surely better"),
    ],
)
def test_who_is_better_than_the_card_is_said_by_the_interval(
    command: Command, stand_in: StandIn, gain: Interval, verdict: str
):
    assert f"; {verdict}" in printed_of(command, stand_in, found=scored(gain=gain))


def test_nothing_refused_and_no_column_of_use(command: Command, stand_in: StandIn):
    found = scored(refused=[], left_out=[], suspects=[])
    found.fitted.card.characteristics, found.identifying = [], ()
    printed = printed_of(command, stand_in, found=found)
    assert "No column says anything of the outcome: every row has the base rate." in printed
    assert printed.count("  nothing\n") == 2
    assert "To look at" not in printed


def test_scorecard_asks_for_what_was_given(command: Command, stand_in: StandIn):
    service = stand_in("app.any_table.scorecard:scorecard_file", scored())
    stand_in("methods.scorecard.card.reasons:label", "all")
    command("scorecard", IN, "--outcome", "bad", "--out", OUT)
    command(
        *("scorecard", IN, "--outcome", "bad", "--out", OUT, "--leave-out", "id,no", "--keep", "k"),
        *("--code", "pay_0=-2,-1", "--code", "-9", "--code", "pay_0=9", "--rising", "debt"),
        *("--falling", "income,age", "--pdo", 40, "--base-points", 500, "--base-odds", 10),
        *("--card", "card.csv", "--sql", "card.sql", "--seed", 3, "--event", "late"),
    )
    plain, given = (call.args for call in service.mock_calls)
    assert plain == (IN, Asked("bad"), Outputs(OUT, None, None), CardRules())
    assert CardRules().scale == Scale(20, 600, 50)
    assert given == (
        *(IN, Asked("bad", "late", ("id", "no"))),
        Outputs(OUT, Path("card.csv"), Path("card.sql")),
        CardRules(
            scale=Scale(40, 500, 10),
            directions={"debt": RISING, "income": FALLING, "age": FALLING},
            codes={"pay_0": [-2.0, -1.0, 9.0], None: [-9.0]},
            keep=("k",),
            seed=3,
        ),
    )


def test_codes_that_are_no_numbers_are_one_sentence():
    with pytest.raises(ScorecardError, match=r"--code pay_0=x is no list of numbers"):
        scorecard._codes(["pay_0=x"])


def values(**differing: object) -> SimpleNamespace:
    """Values of three customers, a horizon of 56 days, and one window that is over."""
    good = SimpleNamespace(
        name="BG/NBD",
        mean_absolute_error=0.51239,
        root_mean_squared_error=1.25,
        bias=0.031,
        spend_bias=-0.022,
        problem="",
    )
    bad = SimpleNamespace(name="trees", problem="too few rows")
    tested = SimpleNamespace(
        window=SimpleNamespace(days=56, base=date(2024, 5, 1), is_season=False),
        customers=1500,
        purchases=2400,
        scores=(good, bad),
        coverage=lambda method: 0.953,
    )
    fit = SimpleNamespace(
        is_usable=True, name="BG/NBD", parameters={"r": 0.25, "a": 12.0}, log_likelihood=-9.46
    )
    found = SimpleNamespace(
        values=pl.DataFrame({"expected_purchases": [1.2, 1000, 2], "expected_spend": [10, 20, 3]}),
        method="BG/NBD",
        first=date(2024, 1, 1),
        last=date(2024, 6, 28),
        until=date(2024, 6, 30),
        horizon_days=56,
        fits=(fit,),
        spend_fit=SimpleNamespace(
            is_usable=False,
            name="gamma-gamma",
            parameters={"p": 1.5},
            log_likelihood=-3.0,
            problem="did not converge",
        ),
        spend_correlation=0.126,
        backtests=(tested,),
        deciding=tested,
        is_judged_by_sample=False,
    )
    for name, value in differing.items():
        setattr(found, name, value)
    return found


def lines_of(
    command: Command, service: Mock, found: object, left: LeftOut = NONE_LEFT
) -> list[str]:
    service.return_value = FileValues(found, left)  # type: ignore[arg-type]
    given = ("--until", "2024-06-30", "--horizon", "8w", "--out", OUT)
    return command("lifetime", IN, *given).stdout.splitlines()


def test_lifetime_prints_fits_backtest_and_totals(command: Command, stand_in: StandIn):
    service = stand_in("app.any_table.lifetime:lifetime_file")
    lines = lines_of(command, service, values())
    assert service.mock_calls[0].args == (IN, OUT, "2024-06-30", "8w", None)
    assert lines[:4] == [
        "3 customers, 2024-01-01 to 2024-06-30; 56 days are predicted",
        "  BG/NBD: r 0.2500, a 12.0000; log-likelihood -9.5",
        "  gamma-gamma, not used: did not converge (p 1.5)",
        "  correlation of purchases and mean spend, which gamma-gamma takes to be 0: 0.13",
    ]
    assert "Backtest of 56 days after 2024-05-01: 1,500 customers, 2,400 purchases" in lines
    row = next(line for line in lines if line.startswith("BG/NBD"))
    assert row.split() == ["BG/NBD", "0.5124", "1.2500", "+3.1%", "-2.2%", "chosen"]
    assert "  trees, not used: too few rows" in lines
    assert "  purchases were from low to high for 95.3% of customers (95% is meant)" in lines
    assert lines[-1] == (
        "BG/NBD: 1,003 purchases and a spend of 33 are expected of all customers; values in out.csv"
    )
    assert not any("half of the history" in line for line in lines)


def test_what_a_backtest_is_not_like_is_said(command: Command, stand_in: StandIn):
    service = stand_in("app.any_table.lifetime:lifetime_file")
    shorter = lines_of(command, service, values(horizon_days=57, is_judged_by_sample=True))
    assert "  (half of the history, as no window of 57 days is over)" in shorter
    assert any("a sample of 1,500 customers" in line for line in shorter)
    seasonal = values(horizon_days=57)
    seasonal.backtests[0].window.is_season = True
    lines = lines_of(command, service, seasonal)
    assert any("2024-05-01, the season of the horizon a year before: " in line for line in lines)
    assert not any("half of the history" in line for line in lines)
    none = lines_of(command, service, values(backtests=()))
    assert any(line.startswith("No window is over yet: nothing could be") for line in none)
    other = lines_of(command, service, values(deciding=None))
    assert not any("chosen" in line or "is meant" in line for line in other)


def test_rows_that_are_left_out_are_counted_each_by_its_reason(command: Command, stand_in: StandIn):
    service = stand_in("app.any_table.lifetime:lifetime_file")
    left = LeftOut(without_customer=1001, without_date=3, without_amount=4, later=2)
    assert lines_of(command, service, values(), left)[:4] == [
        "2 transactions after 2024-06-30 were not looked at",
        "1,001 rows without a customer were left out",
        "3 rows without a date that can be read were left out",
        "4 transactions without an amount count as purchases of unknown spend",
    ]


@pytest.mark.parametrize(
    ("first", "last", "is_said"),
    [
        (date(2024, 6, 1), date(2024, 6, 23), False),  # a week is usual
        (date(2024, 6, 1), date(2024, 6, 22), True),
        (date(2024, 1, 1), date(2024, 6, 14), False),  # 16 days, a tenth of 165
        (date(2024, 1, 1), date(2024, 6, 13), True),  # 17 days, more than a tenth of 164
    ],
)
def test_silence_at_the_end_is_pointed_out_beyond_a_week_and_a_tenth_of_the_history(
    command: Command, stand_in: StandIn, first: date, last: date, is_said: bool
):
    found = values(first=first, last=last)
    lines = lines_of(command, stand_in("app.any_table.lifetime:lifetime_file"), found)
    sentence = f"The last purchase is of {last}, {(found.until - last).days} days before 2024-06-30"
    assert any(line.startswith(sentence) for line in lines) is is_said


def test_a_fit_that_found_no_likelihood_shows_no_parameters():
    fit = SimpleNamespace(
        is_usable=False, name="x", problem="no data", parameters={}, log_likelihood=float("nan")
    )
    assert lifetime._fit(fit) == "x, not used: no data"  # type: ignore[arg-type]
