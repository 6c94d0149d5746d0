"""The report's charts: rows in, SVG out."""
