"""Text in CSV files: a spreadsheet that opens one takes no cell for a formula.

OWASP, "CSV Injection": text that begins with one of `= + - @`, a tab or a new line (also in their
full width) is run by spreadsheets, and is harmless after a single quote. Numbers stay numbers.
"""

from __future__ import annotations

import polars as pl

_STARTS = "[=+\\-@\\t\\r\\n＝＋－＠]"
QUOTE = "'"


def neutralized(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with a single quote before every text that a spreadsheet would run."""
    return rows.with_columns(pl.col(pl.String).str.replace(f"^({_STARTS})", f"{QUOTE}$1"))


def restored(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a file that was written `neutralized`, as they were before."""
    return rows.with_columns(pl.col(pl.String).str.replace(f"^{QUOTE}({_STARTS})", "$1"))


def neutralized_sql(column: str) -> str:
    """The same of one text column, in DuckDB's SQL.

    Args:
        column: its name, quoted; of type VARCHAR or ENUM.
    """
    text = f"{column}::VARCHAR"
    return (
        f"CASE WHEN regexp_matches({text}, '^{_STARTS}') THEN '''' || {text} ELSE {text} END "
        f"AS {column}"
    )
