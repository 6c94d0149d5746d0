"""Targets as they are declared in YAML, checked, and whose outcomes they may read."""
