"""Stages of the life cycle, by what is predicted and the gap since the last purchase."""
