"""The segments of each month: the champion model, its segments and their names."""
