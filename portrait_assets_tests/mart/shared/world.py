"""A published file with the portraits of a few hundred made-up customers, to be shared."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.contract import CLUSTER_MODEL, CLUSTER_SEGMENT
from portrait_assets.stages.mart.shared.file import Request
from portrait_assets.stages.raw.definition import SourceDefinition
from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import TAG_CATALOGUE, portrait_matrix_table
from portrait_assets.storage.duckdb.tables import ensure_table
from portrait_assets.testing.worlds.tags import write_catalogue

MONTHS = ("2024-03", "2024-04")
CUSTOMERS = 400
QUASI = ("sex", "years", "generation", "home", "life")
REQUEST = Request("shop", purpose="sharing")
TAGS = """\
  - {code: sex, expression: gender, type: text, sensitivity: C2}
  - {code: years, expression: age, type: integer, sensitivity: C2}
  - code: generation
    sensitivity: C2
    values:
      - {value: senior, en: Senior, zh: 长者, when: "age >= 55"}
      - {value: middle, en: Middle, zh: 中年, when: "age >= 35"}
      - {value: young, en: Young, zh: 青年, when: "age < 35"}
  - {code: home, expression: region, type: text}
  - code: life
    sensitivity: C2
    values:
      - {value: busy, en: Busy, zh: 忙, when: "generation = 'young' AND purchases_12m > 4"}
      - {value: calm, en: Calm, zh: 闲, when: "purchases_12m <= 4"}
  - {code: favourite, expression: top_category, type: text}
  - {code: spent, expression: spend_12m, type: money}
  - {code: group_name, expression: segment_name_en, type: text}
"""


def catalogue_of(folder: Path) -> Catalogue:
    """Four tags of what others may know, one of it and purchases, and three of purchases."""
    return load_catalogue(write_catalogue(folder, TAGS))


def people(n: int, seed: int = 1) -> pl.DataFrame:
    """Rows of the portrait matrix of one month, with what the tags' rules give."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 90, n)
    generation = np.select([age >= 55, age >= 35], ["senior", "middle"], "young")
    often = random.integers(0, 9, n)
    busy = (generation == "young") & (often > 4)
    favourites = random.choice(["tea", "rice", "oil"], n).astype(object)
    favourites[:3] = ["Zhang Wei", "13912345678", "to my aunt"]
    return pl.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in range(n)],
            "customer_no": pl.Series(range(1, n + 1), dtype=pl.UInt32),
            "segment_id": [1 + i % 2 for i in range(n)],
            "segment_name_en": [("Regulars", "Few")[i % 2] for i in range(n)],
            "segment_name_zh": [("常客", "少数")[i % 2] for i in range(n)],
            "sex": random.choice(["F", "M"], n),
            "years": age,
            "generation": generation,
            "home": random.choice([f"R{i}" for i in range(12)], n),
            "life": [
                "busy" if is_busy else "calm" if few <= 4 else None
                for is_busy, few in zip(busy, often, strict=True)
            ],
            "favourite": favourites,
            "spent": pl.Series(random.integers(1, 1000, n)).cast(pl.Decimal(18, 2)),
            "group_name": [("Regulars", "Few")[i % 2] for i in range(n)],
        },
        strict=False,
    )


def write_published(path: Path, catalogue: Catalogue, n: int, fitted: tuple[str, ...] = ()) -> None:
    """A file with two months of so many customers, whose segments are decided by these features."""
    matrix = portrait_matrix_table(catalogue)
    with duckdb.connect(str(path)) as con:
        for month in MONTHS:
            as_of = last_day(month)
            _insert(con, TAG_CATALOGUE, catalogue_rows(catalogue, as_of), as_of)
            _insert(con, matrix, people(n), as_of)
            parts = pl.DataFrame({"item": fitted or ["spend_12m"]}).with_columns(
                model_version=pl.lit("v"), part=pl.lit("numeric"), position=0, key=pl.lit("centre")
            )
            _insert(con, CLUSTER_MODEL, parts, as_of)
            segments = pl.DataFrame(
                {"segment_id": [1, 2], "customers": [n - 3, 3], "name_en": ["Regulars", "Few"]}
            )
            _insert(con, CLUSTER_SEGMENT, segments, as_of)


def definition(*added: str) -> SourceDefinition:
    return SourceDefinition.model_validate(
        {
            "name": "shop",
            "title": {"en": "Shop", "zh": "店"},
            "licence": "none",
            "first_month": "2024-01",
            "time_zone": "UTC",
            "files_in": ".",
            "files": {},
            "quasi_identifiers": added,
        }
    )


def matrix_of(path: Path) -> pl.DataFrame:
    with duckdb.connect(str(path), read_only=True) as con:
        rows: pl.DataFrame = con.sql("FROM tags.portrait_matrix").pl()
    return rows


def _insert(con: duckdb.DuckDBPyConnection, table: Table, rows: pl.DataFrame, as_of: date) -> None:
    lacking = [
        (pl.lit("") if column.polars_type == pl.String else pl.lit(0)).alias(column.name)
        for column in table.columns
        if not column.nullable and column.name not in rows.columns
    ]
    ensure_table(con, table)
    con.register("incoming", rows.with_columns(as_of=as_of).with_columns(lacking))
    con.execute(f"INSERT INTO {table.full_name} BY NAME FROM incoming")
    con.unregister("incoming")
