"""Prospects ranked by how much they resemble a seed audience: `portrait lookalike`."""
