"""The sections of the report: each a module with what it shows, and a template."""

from pathlib import Path

TEMPLATES = Path(__file__).parents[1] / "templates"
