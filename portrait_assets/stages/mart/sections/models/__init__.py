"""Sections on what is predicted: models, lifetime values and scorecards, with their proof."""
