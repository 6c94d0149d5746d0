"""Distances, tests and intervals."""
