"""How much is taken into memory at once; nothing that comes out depends on it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Bounds(BaseModel):
    """Upper bounds of what a step holds at once: lower ones take less memory and more time.

    Each is also an environment variable, such as `PORTRAIT_BOUNDS__CHECK_ROWS`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    check_rows: int = Field(2_000_000, gt=0)
    """Rows of a table that a check looks at, and that are sorted when they are published."""
    typed_values: int = Field(10_000_000, gt=0)
    """Values that are typed: one, and what is found about it, takes about 80 bytes."""
    frame_rows: int = Field(500_000, gt=0)
    """Rows of a lazy frame that are written."""
    record_customers: int = Field(200_000, gt=0)
    """Customers whose records are weighed: with its origins one takes up to 10 KiB."""
    matrix_customers: int = Field(100_000, gt=0)
    """Customers whose features are computed: each takes about 3 KiB."""
    tag_customers: int = Field(200_000, gt=0)
    """Customers of several months whose tags are evaluated; a month is never divided."""
    run_rows: int = Field(20_000_000, gt=0)
    """Rows of the source whose months are materialized together, so that a run that is stopped
    goes on at the last such piece: three months of a bank of a million customers."""
