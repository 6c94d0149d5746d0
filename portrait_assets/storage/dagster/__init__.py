"""Between Dagster and the warehouse: assets, checks and the IO manager."""
