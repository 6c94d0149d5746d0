"""Findings with verdicts: pure functions of the tables of all stages."""
