"""Backtests of tags in time: what was predicted of whom, counted against what happened after."""
