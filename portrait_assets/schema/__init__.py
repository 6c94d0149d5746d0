"""A table as it is declared, and what is made of the declaration: pandera, Dagster, Markdown."""
