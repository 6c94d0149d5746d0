"""Small worlds and helpers for tests and benchmarks, also of packages that build on this one."""
