"""Sensitivity classes of tags, and which of them others may know."""
