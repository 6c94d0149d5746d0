"""Boosted trees: grown, pruned to leaves of enough customers, and scored from rows."""
