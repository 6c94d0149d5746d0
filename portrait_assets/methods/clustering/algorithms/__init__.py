"""Algorithms that divide points."""
