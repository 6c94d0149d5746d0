"""The DuckDB file: what its tables are, who may write to it, and how it is read."""
