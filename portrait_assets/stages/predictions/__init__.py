"""Predictions: what customers will probably do, by models that beat the best baseline."""
