"""Windows that methods are judged in and learn from."""

from __future__ import annotations

from datetime import date

from portrait_assets.methods.lifetime.windows import Window, judged_windows, learnt_windows


def test_the_newest_window_is_judged_and_the_season_decides_where_a_year_exists():
    first, until = date(2022, 1, 1), date(2023, 12, 31)
    newest, season = judged_windows(first, until, 90)
    assert newest == Window(date(2023, 10, 2), until)
    assert season == Window(date(2022, 12, 31), date(2023, 3, 31), is_season=True)
    assert newest.days == season.days == 90


def test_a_season_with_less_than_a_year_before_it_does_not_decide():
    assert len(judged_windows(date(2022, 1, 2), date(2023, 12, 31), 90)) == 1
    assert len(judged_windows(date(2015, 1, 1), date(2023, 12, 31), 365)) == 1


def test_a_horizon_longer_than_the_history_is_judged_over_half_of_it():
    (window,) = judged_windows(date(1997, 1, 1), date(1997, 9, 30), 273)
    assert window == Window(date(1997, 5, 17), date(1997, 9, 30))
    assert judged_windows(date(1997, 1, 1), date(1997, 1, 2), 273) == ()
    (one_day,) = judged_windows(date(1997, 1, 1), date(1997, 1, 3), 273)
    assert one_day == Window(date(1997, 1, 2), date(1997, 1, 3))


def test_what_is_learnt_from_ends_by_the_base_with_a_window_before_it():
    base = date(2023, 12, 31)
    assert learnt_windows(date(2023, 8, 1), base, 90) == ()
    assert learnt_windows(date(2023, 7, 5), base, 90) == ()
    assert len(learnt_windows(date(2023, 7, 4), base, 90)) == 1, "90 days before its 90"
    (newest,) = learnt_windows(date(2023, 6, 1), base, 90)
    assert newest == Window(date(2023, 10, 2), base)
    assert len(learnt_windows(date(2022, 6, 1), base, 90)) == 2
