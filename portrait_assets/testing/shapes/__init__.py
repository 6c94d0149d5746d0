"""Labelled sets for tests and benchmarks of clustering."""
