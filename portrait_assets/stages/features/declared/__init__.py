"""Features, declared: each with its SQL over the parts, its meaning, unit and window."""
