"""Prospects who resemble the members of a seed audience more than they resemble other customers."""
