"""Audiences: customers selected by their tags."""
