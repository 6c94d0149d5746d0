"""Which month each row belongs to, and what belongs to none."""
