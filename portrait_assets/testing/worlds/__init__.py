"""Small worlds of customers with their events, for tests and benchmarks."""
