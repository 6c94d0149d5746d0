"""Targets: what customers did in the months after a month's end, for models to be fitted on."""
