"""Expressions that people write, held to what is allowed and rendered as SQL."""
