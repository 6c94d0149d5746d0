"""Predictions for any table."""
