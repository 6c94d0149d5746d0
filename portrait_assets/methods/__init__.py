"""Methods that know nothing of months, Dagster or the warehouse."""
