"""Monthly aggregates per customer, and what they count."""
