"""Wealth segments: as many as are asked for, by holdings, and whether data support it."""
