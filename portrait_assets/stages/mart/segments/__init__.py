"""The segments of a month as the report and analysts see them, and what to do with each."""
