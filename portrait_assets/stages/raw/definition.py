"""What source.yaml may state, and the sentences for what it may not."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from portrait_assets.core.errors import SourceError, suggestion
from portrait_assets.core.yaml.file import Code, Entry, Month, Text
from portrait_assets.methods.typing.rules import ColumnRules
from portrait_assets.schema.table import Type
from portrait_assets.stages.raw.contract import CANONICAL, CANONICAL_BY_NAME
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.raw.tables.persons import CONSENTS, CUSTOMERS, PURPOSES, REQUESTS


class Title(Entry):
    """What the source is called, in both languages."""

    en: Text
    zh: Text


class FileKind(StrEnum):
    """How a file's rows are read."""

    TEXT = "text"
    PARQUET = "parquet"
    JSON = "json"


_ENDINGS = {
    FileKind.TEXT: (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"),
    FileKind.PARQUET: (".parquet",),
    FileKind.JSON: (".json", ".jsonl", ".ndjson", ".json.gz"),
}


_SAVED_OTHERWISE = {
    "an Excel workbook": (".xlsx", ".xls", ".xlsm", ".ods"),
    "a database": (".sqlite", ".sqlite3", ".db", ".duckdb", ".accdb", ".mdb"),
    "an archive": (".zip", ".7z", ".rar", ".tar", ".tar.gz", ".tgz"),
    "a file of a statistics program": (".sas7bdat", ".xpt", ".rds"),
}


def saved_otherwise(name: str) -> str | None:
    """What a file is by its name whose tables have to be saved as text or Parquet first."""
    kinds = _SAVED_OTHERWISE.items()
    return next((kind for kind, ends in kinds if name.lower().endswith(ends)), None)


class FileSpec(Entry):
    """One file, or several that a pattern names, and how their text is read.

    What has a `delimiter` is text, where its name tells nothing else.
    """

    model_config = ConfigDict(title="file")
    path: Text
    encoding: Text = "utf-8"
    delimiter: Text | None = None

    def kind(self, name: str) -> FileKind | None:
        """The kind of a file by its name; None where that does not tell."""
        by_name = (kind for kind, ends in _ENDINGS.items() if name.lower().endswith(ends))
        return next(by_name, FileKind.TEXT if self.delimiter else None)


class TableSpec(Entry):
    """How a table's rows relate to a file's rows.

    `rows_of` names the file each of whose rows the SQL returns exactly once; a `derived` table
    (a GROUP BY, a filter) is counted from what its SQL returns instead.
    """

    model_config = ConfigDict(title="table")
    rows_of: Text | None = None
    derived: bool = False


class Identity(Entry):
    """How the source's records of one person are found; without it, by their identifier alone.

    `keys` are columns of `customers` that say the same of one person only; `probabilistic` adds
    linkage with its `threshold` and training settings. `trust` are beginnings of identifiers,
    of the system most trusted first.
    """

    keys: tuple[tuple[Text, ...], ...] = (("national_id",), ("phone", "birth_date"))
    probabilistic: bool = True
    threshold: float = Field(default=0.9, gt=0, lt=1)
    seed: int = 1
    max_pairs: float = 5e5
    trust: tuple[Text, ...] = ()


def _file_spec(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


def _column(name: str) -> str:
    table = name.partition(".")[0]
    known = CANONICAL_BY_NAME.get(table)
    columns = [f"{table}.{each.name}" for each in known.columns] if known else []
    if name not in columns:
        raise ValueError(
            f"'{name}' is not a column of a canonical table{suggestion(name, columns)}; write it "
            "as table.column"
        )
    return name


LEAST_AFTER_END = 24
"""Months for which customers are kept at least: so far models and affinities look back on them."""


def _what_ages(name: str) -> str:
    aging = [each for each in CANONICAL if each.ages]
    known = sorted({CUSTOMERS.name, *(x.name for x in aging), *(x.serves for x in aging)})
    if name in (CONSENTS.name, REQUESTS.name):
        raise ValueError(
            f"rows of '{name}' hold whatever their age, and go with their customer; write "
            f"{CUSTOMERS.name}, or one of {', '.join(known)}"
        )
    if name in CANONICAL_BY_NAME and name not in known:
        raise ValueError(
            f"rows of '{name}' say what is on offer or what goes on, and are of nobody; "
            f"write one of {', '.join(known)}"
        )
    if name not in known:
        raise ValueError(
            f"'{name}' is no table or purpose whose rows age{suggestion(name, known)}; write one "
            f"of {', '.join(known)}"
        )
    return name


def months_kept(keep: Mapping[str, int], canonical: Canonical) -> int | None:
    """For how many months a table's rows are kept: the shorter span of its own and its purpose."""
    spans = [keep[name] for name in (canonical.name, canonical.serves) if name in keep]
    return min(spans) if spans and canonical.ages else None


def _long_enough(keep: dict[str, int]) -> dict[str, int]:
    after_end = keep.get(CUSTOMERS.name, LEAST_AFTER_END)
    if after_end < LEAST_AFTER_END:
        raise ValueError(
            f"customers would be kept for {after_end} months after their relationship ended, and a "
            f"month looks back on {LEAST_AFTER_END}; write {LEAST_AFTER_END} or more"
        )
    for canonical in CANONICAL:
        span = months_kept(keep, canonical)
        if span is not None and span < canonical.least_months:
            raise ValueError(
                f"{canonical.name} would be kept for {span} months, and a month looks back on "
                f"{canonical.least_months} of them; write {canonical.least_months} or more"
            )
    return keep


def _category(name: str) -> str:
    name = _column(name)
    table = name.partition(".")[0]
    categories = [
        f"{table}.{each.name}" for each in CANONICAL_BY_NAME[table].columns if each.is_category
    ]
    if name not in categories:
        raise ValueError(
            f"{name} is not meant as a category; of {table} these are: "
            f"{', '.join(categories) or 'none'}"
        )
    return name


class Keep(StrEnum):
    """What a source declares of a column that is meant as a category."""

    KEEP = "keep"  # it is one, whatever it looks like
    HOLD = "hold"  # its values are held back


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"'{name}' is not a time zone; write one such as Asia/Shanghai") from None
    return name


def _purpose(name: str) -> str:
    if name not in PURPOSES:
        raise ValueError(
            f"'{name}' is not a purpose{suggestion(name, PURPOSES)}; write one of "
            f"{', '.join(PURPOSES)}"
        )
    return name


def _granted(value: object) -> bool:
    if value not in ("granted", "refused"):
        raise ValueError(f"'{value}' is neither granted nor refused; write one of them")
    return value == "granted"


class SourceDefinition(Entry):
    """The contents of source.yaml.

    A `public` source's customers are no secret: what is published of it keeps its identifiers.
    `categories` says of columns that are meant as categories whether they are kept or held back,
    whatever they look like. `complete_months` are months that are complete although they have few
    rows, or end early. `packs` are the packs of tags that it has besides the core; where it names
    none they follow from the tables that it provides. `quasi_identifiers` are columns, features or
    tags by which others may know a customer, besides those that every source has. `keep_months`
    says after how many months the rows of a table, or of the tables that serve a purpose, are
    removed, and customers who have left. `consent_default` states by purpose whether a customer who
    says nothing has granted or refused it; where it does not, profiling is allowed and marketing,
    credit and sharing are not.
    `wealth_segments` is how many wealth segments are made where it gives balances by product.
    """

    name: Text
    title: Title
    licence: Text
    public: bool = False
    first_month: Month
    last_month: Month | None = None
    complete_months: tuple[Month, ...] = ()
    time_zone: Annotated[Text, AfterValidator(_time_zone)]
    currency: Text | None = None
    country: Text | None = None
    files_in: Text
    install_hint: Text | None = None
    files: dict[str, Annotated[FileSpec, BeforeValidator(_file_spec)]]
    tables: dict[str, TableSpec] = Field(default_factory=dict)
    rules: dict[Annotated[str, AfterValidator(_column)], ColumnRules] = Field(default_factory=dict)
    categories: dict[Annotated[str, AfterValidator(_category)], Keep] = Field(default_factory=dict)
    identity: Identity | None = None
    packs: tuple[Code, ...] | None = None
    quasi_identifiers: tuple[Text, ...] = ()
    keep_months: Annotated[
        dict[Annotated[str, AfterValidator(_what_ages)], Annotated[int, Field(gt=0)]],
        AfterValidator(_long_enough),
    ] = Field(default_factory=dict)
    wealth_segments: int = Field(default=12, ge=2, le=20)
    consent_default: dict[
        Annotated[str, AfterValidator(_purpose)], Annotated[bool, BeforeValidator(_granted)]
    ] = Field(default_factory=dict)


_NUMBERS = frozenset({Type.INTEGER, Type.NUMBER, Type.MONEY, Type.QUANTITY})


def check_rules(definition: SourceDefinition) -> None:
    """Check that each rule of a column is one for what the column holds.

    Raises:
        SourceError: when it is not.
    """
    for name, rules in definition.rules.items():
        table, _, column = name.partition(".")
        canonical = CANONICAL_BY_NAME[table]
        kind = canonical.column(column).type
        wrong = None
        if rules.date_format and kind not in (Type.DATE, Type.TIMESTAMP):
            wrong = f"{name} holds no dates; remove its date_format or name a column of dates"
        elif rules.decimal_mark != "point" and kind not in _NUMBERS:
            wrong = f"{name} holds no numbers; remove its decimal_mark or name a column of numbers"
        elif rules.values and kind is not Type.TEXT:
            wrong = f"{name} holds no text; give its values in the SQL"
        elif not rules.given and column not in canonical.required:
            wrong = f"{name} need not be given; leave it out of {table}.sql, and remove the rule"
        elif not rules.given and kind is not Type.MONEY:
            wrong = f"a row of {table} is nothing without {column}; only amounts may be unknown"
        if wrong:
            raise SourceError(f"{definition.place_of('rules', name)}: {wrong}.")
