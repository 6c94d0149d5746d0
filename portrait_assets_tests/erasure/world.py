"""A shop that knows its customers by name: in every table what an erasure has to find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.egress import (
    PLACE,
    Departure,
    Door,
    Outlet,
    Purpose,
    Shown,
    digest_of_file,
)
from portrait_assets.privacy.scan.wanted import Wanted
from portrait_assets.testing.worlds.shop import sales_file, short_shop

PERSON, ALIAS, OTHER, STAYS, UNDATED = "K035", "K908", "K008", "K011", "K099"
"""Three persons are erased: the second has two records, and is asked for by the one given up; the
last stands in a line without a date alone."""
THEIRS = ("Zhao Longzhi", "13800000035", "remark of 35, her own", "Qian Dezhao", "8 Willow Lane")
SHARED = "3 Common Street"
"""An address of one who is erased and of one who stays."""

CUSTOMERS = f"""\
customer_id,recorded_on,full_name,national_id,phone,address,occupation
K035,2024-01-02,Zhao Longzhi,110101198003020035,13800000035,{SHARED},couple_with_children
K008,2024-01-02,Qian Dezhao,110101198003020086,13800000008,8 Willow Lane,teacher
 K908 ,2024-02-02,Qian De Zhao,110101198003020086,13800000908,8 Willow Lane,teacher
K011,2024-01-02,Sun Wukongming,110101198003020113,13800000011,{SHARED},teacher
"""
INTERACTIONS = """\
customer_id,occurred_at,kind,content
K035,2024-01-05 10:00,complaint,"remark of 35, her own"
K035,never,complaint,an undated remark of 35
K008,2024-02-05 10:00,complaint,nothing to say of 8
K011,2024-02-06 10:00,complaint,a remark of 11 that stays
K011,also never,complaint,an undated remark of 11
 K099 ,no day,complaint,an undated remark of 99
"""
ASSIGNMENTS = """\
customer_id,campaign_id,arm,assigned_on
K035,CMP1,control,2024-02-10
K908,CMP1,mail,2024-02-10
K011,CMP1,mail,2024-02-10
"""
REQUESTS = """\
customer_id,kind,requested_on
K011,access,2024-02-11
K035,erasure,2024-02-11
"""
PROSPECTS = """\
prospect_id,recorded_on,full_name,phone
K035,2024-02-01,Another Onewith,13900000001
P002,2024-02-01,Li Prospectin,13900000002
P003,2024-02-01,Longzhi Z.,138 0000 0035
"""
FILES = {
    "customers": CUSTOMERS,
    "interactions": INTERACTIONS,
    "assignments": ASSIGNMENTS,
    "requests": REQUESTS,
    "prospects": PROSPECTS,
}
REVIEW = "record_1,record_2,verdict,from_month\nK002,K011,different,\nK011,K035,different,\n"


WANTED = Wanted(("Zhao Longzhi",), {"customer_id": ("K1",)})


def audience_file(folder: Path, ending: str) -> Path:
    """A file that names the person of `WANTED`: a table with another customer, or else a text."""
    path = folder / f"audience.{ending}"
    rows = pl.DataFrame({"customer_id": ["K1", "K2"], "note": ["of Zhao Longzhi", "of others"]})
    match ending:
        case "csv":
            rows.write_csv(path)
        case "parquet":
            rows.write_parquet(path)
        case _:
            path.write_text("of Zhao Longzhi")
    return path


def world(folder: Path) -> Settings:
    """The source of the shop, not materialized."""
    settings = short_shop(folder)
    definition = settings.source_dir / "source.yaml"
    files = "".join(f"  {name}: {name}.csv\n" for name in FILES)
    text = definition.read_text().replace("  customers: {derived: true}\n", "")
    text = text.replace("files:\n", f"files:\n{files}")
    definition.write_text(text + "identity: {keys: [[national_id]], probabilistic: false}\n")
    for name, content in FILES.items():
        (settings.source_dir / f"{name}.csv").write_text(content)
        (settings.source_dir / f"{name}.sql").write_text(f"SELECT * FROM {name}")
    with sales_file(settings).open("a") as sales:
        sales.write("2024-02-03 09:00,K908,B09081,tea,5.00,0,west\n")
    (settings.source_dir / "identity_review.csv").write_text(REVIEW)
    return settings


def export(settings: Settings) -> Path:
    """A file of an audience that somebody left beside the warehouse."""
    path = settings.warehouse_dir / "audience.csv"
    path.write_text("customer_id,spend\nK035,10\nK011,11\n")
    return path


def registered_export(settings: Settings, path: Path) -> Path:
    """The same at a place of its own, which the register names."""
    path.write_text("customer_id,spend\nK035,10\nK011,11\n")
    about = {PLACE: str(path.resolve())}
    departure = Departure(
        Outlet.AUDIENCE, Purpose.MARKETING, (Shown("customer_id"),), subject_named=True, about=about
    )
    Door(settings).record(departure, 2, digest_of_file(path))
    return path


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """What the warehouse answers."""
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as con:
        return con.execute(sql).fetchall()
