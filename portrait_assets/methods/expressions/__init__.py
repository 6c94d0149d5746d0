"""Expressions that users write, checked against an allow-list and rendered as SQL."""
