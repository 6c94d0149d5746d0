"""Probability models of purchases and spend, fitted by maximum likelihood."""
