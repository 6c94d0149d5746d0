"""Wealth segments: as many as are asked for, by what customers hold, and whether data support it."""
