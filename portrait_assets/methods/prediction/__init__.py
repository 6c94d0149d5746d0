"""Predictions of what happens, and of numbers, by models that are rows.

`fitting.fit` learns a model of one family from a frame of features and outcomes of 0 and 1;
`fitting.fit_number` from outcomes that are numbers. `calibration.calibrated` sets its
probabilities right on rows that it has not seen. `trials.choice` takes the simplest of several
that no other surely beats. `reasons.reasons` says why a row has its score, and `inputs.leaks` which
features give the outcome away.

A frame holds numbers, booleans, text (categories) and dates; a null is a value of its own. The
rows of a model (`rows.ROWS_SCHEMA`) hold all that scores: coefficients, or nodes.
"""
