"""Columns of categories that hold free text are held back; those of real shops are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.typing.rules import ColumnRules, Conventions
from portrait_assets.stages.cleaned.categories import values as category_values
from portrait_assets.stages.cleaned.categories.columns import CATEGORY_COLUMNS, judged_months
from portrait_assets.stages.cleaned.categories.held_back import decided
from portrait_assets.stages.cleaned.categories.values import WITH_CATEGORIES, category_columns
from portrait_assets.stages.cleaned.rows.clean import clean
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.stages.raw.definition import Keep
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.testing.steps import SmallWarehouse
from portrait_assets_tests.cleaned.categories.test_category_values import GOODS, cleaned
from portrait_assets_tests.cleaned.rows.test_clean import received

MONTHS = ["2024-01", "2024-02"]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = SmallWarehouse(tmp_path / "warehouse.duckdb", "shop", "run-1")
    yield opened
    opened.close()


def put(warehouse: Warehouse, table: str, columns: Mapping[str, object], month: str) -> None:
    """Rows of a raw table in a month; columns that are not given have no values."""
    canonical = CANONICAL_BY_NAME[table]
    frame = pl.DataFrame(columns).with_row_index("source_row", offset=1)
    empty = [c.name for c in canonical.columns if c.name not in frame.columns]
    frame = frame.with_columns(
        pl.lit(month).alias("month"),
        pl.lit("file").alias("source_file"),
        *(pl.lit(None, dtype=pl.String).alias(name) for name in empty),
    )
    names = canonical.raw_table().column_names
    warehouse.write(canonical.raw_table(), [month], frame.select(names))


def judged(
    warehouse: Warehouse,
    months: Sequence[str] = MONTHS[:1],
    declared: Mapping[str, Keep] | None = None,
    rules: Mapping[str, ColumnRules] | None = None,
) -> pl.DataFrame:
    rows = pl.concat(judged_months(warehouse, months, rules or {}, declared or {}))
    warehouse.write(CATEGORY_COLUMNS, months, rows)
    return rows


def is_held(rows: pl.DataFrame, month: str = MONTHS[0]) -> dict[str, bool]:
    own = rows.filter(pl.col("month") == month)
    name = own.select(pl.format("{}.{}", "table_name", "column_name")).to_series()
    return dict(zip(name, own["is_held"], strict=True))


def sales(values: Sequence[str], customers: int, seed: int = 1) -> dict[str, list[str]]:
    """Lines with these values, of customers drawn at random."""
    who = np.random.default_rng(seed).integers(customers, size=len(values))
    return {"customer_id": [f"K{n}" for n in who], "category": list(values)}


def zipf(values: Sequence[str], rows: int, seed: int = 2) -> list[str]:
    """Values as articles sell: the n-th most wanted is bought in proportion to 1 / n."""
    weights = 1 / np.arange(1, len(values) + 1)
    drawn = np.random.default_rng(seed).choice(len(values), rows, p=weights / weights.sum())
    return [values[n] for n in drawn]


def payees(customers: int, times: int, form: str) -> dict[str, list[str]]:
    """What each customer writes for two payees of their own, again and again."""
    rows = [(f"K{n}", form.format(2 * n + p)) for n in range(customers) for p in (0, 1)] * times
    return {"customer_id": [who for who, _ in rows], "category": [text for _, text in rows]}


# -- free text -----------------------------------------------------------------------------


def test_texts_to_payees_are_free_text_whatever_they_are(warehouse: Warehouse):
    put(warehouse, "transactions", payees(40, 3, "our flat no{}"), "2024-01")
    found = judged(warehouse)
    assert is_held(found) == {"transactions.category": True}
    row = found.row(0, named=True)
    assert (row["distinct_values"], row["repeated_values"], row["own_values"]) == (80, 80, 80)
    assert row["reason_en"].startswith("80 of the 80 values that stand in 3 rows or more")
    assert "80个仅属于一名客户" in row["reason_zh"]


def test_texts_to_payees_among_good_categories_are_free_text_too(warehouse: Warehouse):
    """They are three of ten lines, and most of the values."""
    good, own = sales(zipf(GOODS, 560), 40), payees(40, 3, "our flat no{}")
    both = {name: good[name] + own[name] for name in good}
    put(warehouse, "transactions", both, "2024-01")
    assert is_held(judged(warehouse)) == {"transactions.category": True}


def test_notes_that_are_never_written_again_are_free_text(warehouse: Warehouse):
    notes = [f"thanks for {GOODS[n % 9]} on day {n}" for n in range(300)]
    put(warehouse, "transactions", sales(notes, 40), "2024-01")
    assert is_held(judged(warehouse)) == {"transactions.category": True}


def test_notes_are_free_text_though_one_of_them_is_written_by_two(warehouse: Warehouse):
    notes = [f"thanks for {GOODS[n % 9]} on day {n}" for n in range(300)]
    rows = sales([*notes, notes[0], *zipf(GOODS, 150)], 40)
    rows["customer_id"][0], rows["customer_id"][300] = "K1", "K2"
    put(warehouse, "transactions", rows, "2024-01")
    assert is_held(judged(warehouse)) == {"transactions.category": True}


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("转账给张{}", "伟芳娜敏静丽强磊军洋勇艳"),
        ("张{}的转账", "伟芳娜敏静丽强磊军洋勇艳"),
        ("Transfer to {}. Smith", "ABCDEFGHIJKL"),
        ("pay rent to {}ob Miller", "ABCDEFGHIJKL"),
    ],
)
def test_a_few_transfers_with_names_are_enough(warehouse: Warehouse, form: str, names: str):
    """Twelve lines give no evidence of how values are shared, but what they name is plain."""
    texts = [*map(form.format, names), *GOODS]
    put(warehouse, "transactions", sales(texts, 6), "2024-01")
    found = judged(warehouse)
    assert is_held(found) == {"transactions.category": True}
    assert found["personal_values"].item() == 12
    assert (
        found["reason_en"].item() == "57% of its values hold names, numbers or addresses of persons"
    )
    assert cleaned(texts).kept["category"].drop_nulls().to_list() == GOODS, "each is null by itself"


def test_bare_names_are_names(warehouse: Warehouse):
    people = [
        "张伟",
        "王芳",
        "李娜",
        "刘洋",
        "陈静",
        "杨勇",
        "赵磊",
        "黄敏",
        "周涛",
        "吴军",
        "徐丽",
    ]
    put(warehouse, "transactions", sales(people * 2, 6), "2024-01")
    found = judged(warehouse)
    assert is_held(found) == {"transactions.category": True}
    assert found["reason_zh"].item() == "100%的取值似含姓名"


@pytest.mark.parametrize("form", ["{} rent", "for {}", "房租 {}", "{}-生活费"])
def test_texts_that_name_somebody_are_free_text_before_they_are_written_again(
    warehouse: Warehouse, form: str
):
    english = ["Bob", "Mary", "Anna", "Susan", "Paul", "Kevin", "Lisa", "Jack", "Emma", "Ruth"]
    chinese = ["张伟", "王芳", "李娜", "刘洋", "陈静", "杨勇", "赵磊", "黄敏", "周涛", "吴军"]
    names = english if form.isascii() else chinese
    put(warehouse, "transactions", sales([*map(form.format, names), *GOODS], 6), "2024-01")
    assert is_held(judged(warehouse)) == {"transactions.category": True}


def test_kinds_of_spending_that_begin_like_names_are_categories(warehouse: Warehouse):
    kinds = "餐饮 购物 交通 教育 医疗 娱乐 房租 水电 工资 理财 保险 旅游 通讯 服饰 美妆 母婴"
    more = "家居 数码 食品 生鲜 水果 零食 白酒 黄金 方便面 童装 钟表 文具 金融 高端 毛巾 石材"
    texts = [*kinds.split(), *more.split()] * 4
    put(warehouse, "transactions", sales(texts, 20), "2024-01")
    assert is_held(judged(warehouse)) == {"transactions.category": False}


def test_an_occupation_of_ones_own_words_is_free_text(warehouse: Warehouse):
    words = [f"{GOODS[n % 9]} seller in shop {n}" for n in range(120)]
    people = {"customer_id": [f"K{n}" for n in range(120)], "occupation": words}
    put(warehouse, "customers", people | {"region": ["east", "west"] * 60}, "2024-01")
    assert is_held(judged(warehouse)) == {"customers.occupation": True, "customers.region": False}


def test_products_made_of_texts_are_free_text_by_who_bought_them(warehouse: Warehouse):
    lines = payees(40, 3, "our flat no{}")
    put(
        warehouse,
        "transactions",
        {"customer_id": lines["customer_id"], "product_id": lines["category"]},
        "2024-01",
    )
    texts = sorted(set(lines["category"]))
    put(warehouse, "products", {"product_id": texts, "category": texts}, "2024-01")
    assert is_held(judged(warehouse)) == {"products.category": True}


# -- no false alarms -----------------------------------------------------------------------


def test_four_thousand_descriptions_of_an_invoice_shop_are_categories(warehouse: Warehouse):
    """As in UCI Online Retail: a month of 40,000 lines and 900 customers."""
    words = (
        "white",
        "hanging",
        "heart",
        "t-light",
        "holder",
        "red",
        "retro",
        "spot",
        "cake",
        "tin",
    )
    texts = [
        f"{words[n % 10]} {words[n // 10 % 10]} {words[n // 100 % 10]} {n}" for n in range(4000)
    ]
    put(warehouse, "transactions", sales(zipf(texts, 40_000), 900), "2024-01")
    found = judged(warehouse)
    assert is_held(found) == {"transactions.category": False}
    assert found["distinct_values"].item() > 3_500


@pytest.mark.parametrize("lines", [300, 1_000, 2_500])
def test_in_a_first_month_most_of_its_descriptions_are_sold_once(warehouse: Warehouse, lines: int):
    """No article is wanted by far the most, and what is held back once stays so."""
    texts = np.array([f"heart number {n}" for n in range(4000)])
    wanted = np.random.default_rng(3).lognormal(size=4000)
    drawn = np.random.default_rng(4).choice(texts, lines, p=wanted / wanted.sum())
    assert pl.Series(drawn).is_unique().sum() > 0.35 * lines
    put(warehouse, "transactions", sales(drawn.tolist(), 100), "2024-01")
    assert is_held(judged(warehouse)) == {"transactions.category": False}


@pytest.mark.parametrize(("customers", "lines"), [(12, 150), (40, 600), (60, 2_500)])
def test_the_articles_of_a_small_shop_are_categories(
    warehouse: Warehouse, customers: int, lines: int
):
    articles = [f"{good} of maker {n}" for n in range(60) for good in GOODS]
    put(warehouse, "transactions", sales(zipf(articles, lines), customers), "2024-01")
    assert is_held(judged(warehouse)) == {"transactions.category": False}


def test_brands_in_numbers_and_brands_named_after_persons_are_brands(warehouse: Warehouse):
    brands = ["Ralph Lauren", "Tommy Hilfiger", "Dr. Oetker", "李宁", "Ben Sherman", "J. Crew"]
    codes = [f"{541_511 + n}" for n in range(40)]
    ids = [f"P{n}" for n in range(46)]
    put(warehouse, "products", {"product_id": ids, "brand": brands + codes}, "2024-01")
    who = [f"K{n % 50}" for n in range(460)]
    put(
        warehouse,
        "transactions",
        {"customer_id": who, "product_id": ids * 10},
        "2024-01",
    )
    found = judged(warehouse)
    assert is_held(found) == {"products.brand": False}
    assert found["holds_codes"].item(), "so that numbers of six digits are nobody's"
    product = clean(
        received(CANONICAL_BY_NAME["products"], [{"product_id": "P1", "brand": "541511"}]),
        CANONICAL_BY_NAME["products"],
        Conventions(),
        decisions=decided(found, CANONICAL_BY_NAME["products"]),
    )
    assert product.rejects.is_empty()


def test_codes_are_usual_where_several_are_used_again(warehouse: Warehouse):
    """One number in every row, two of one row each, and two of two rows each."""
    columns = {
        "customer_id": list("abcd"),
        "category": ["541511"] * 4,
        "channel": ["541511", "541512", None, None],
        "region": ["541511", "541512"] * 2,
    }
    put(warehouse, "transactions", columns, "2024-01")
    found = judged(warehouse).select("column_name", "holds_codes").rows()
    assert found == [("category", False), ("channel", False), ("region", True)]


def test_of_products_all_months_are_looked_at_and_of_others_the_newest(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(category_values, "EVIDENCE_ROWS", 1)
    for month, product, kind in (("2024-01", "P1", "tea"), ("2024-02", "P2", "jam")):
        put(warehouse, "products", {"product_id": [product], "brand": [kind]}, month)
        bought = {"customer_id": ["a"] * 2, "product_id": ["P1", "P2"], "category": [kind] * 2}
        put(warehouse, "transactions", bought, month)
    found = judged(warehouse, MONTHS).filter(month="2024-02")
    assert found.select("table_name", "rows", "distinct_values").rows() == [
        ("products", 2, 2),
        ("transactions", 2, 1),
    ]


@pytest.mark.slow
def test_the_categories_of_a_generated_bank_are_categories_and_its_marks_are_none(
    warehouse: Warehouse, tmp_path: Path
):
    """One row of 200 has a mark after an attribute of its person."""
    generate_bank(tmp_path / "bank", 450, 3, seed=5, marks=True)
    months = ["2023-01"]
    for canonical in WITH_CATEGORIES:
        files = sorted((tmp_path / "bank").rglob(f"{canonical.name}.parquet/*.parquet"))
        files += sorted((tmp_path / "bank").rglob(f"{canonical.name}.parquet"))
        files = [file for file in files if file.is_file() and "truth" not in file.parts]
        frames = [pl.read_parquet(file) for file in files]
        if frames:
            wanted = [c.name for c in canonical.columns if c.is_category or c.name.endswith("_id")]
            rows = pl.concat(frames).select(name for name in wanted if name in frames[0].columns)
            put(warehouse, canonical.name, rows.to_dict(), months[0])
    found = judged(warehouse, months)
    assert found.height > 20
    assert found.filter("is_held").is_empty(), found.filter("is_held")
    people = warehouse.read(CANONICAL_BY_NAME["customers"].raw_table(), months)
    assert people["occupation"].str.contains("PM-").any()
    kept = clean(
        people,
        CANONICAL_BY_NAME["customers"],
        Conventions(),
        decisions=decided(found, CANONICAL_BY_NAME["customers"]),
    ).kept
    for column in category_columns(CANONICAL_BY_NAME["customers"]):
        assert not kept[column.name].str.contains("PM-").any(), column.name


# -- as of each month ----------------------------------------------------------------------


def test_what_was_held_back_stays_so_until_the_source_declares_otherwise(warehouse: Warehouse):
    put(warehouse, "transactions", sales(zipf(GOODS, 200), 40), "2024-01")
    put(warehouse, "transactions", payees(40, 3, "our flat no{}"), "2024-02")
    put(warehouse, "transactions", sales(zipf(GOODS, 300_000), 40), "2024-03")
    months = [*MONTHS, "2024-03"]
    by_itself = [is_held(judged(warehouse, [month]), month) for month in months]
    held_back = {"transactions.category": True}
    assert by_itself == [{"transactions.category": False}, held_back, held_back]
    together = judged(warehouse, months)
    assert [is_held(together, month) for month in months] == by_itself
    kept = judged(warehouse, months, declared={"transactions.category": Keep.KEEP})
    assert kept["is_held"].to_list() == [False, False, False]
    assert kept["looks_like_free_text"].to_list() == [False, True, True]
    own = {"transactions.category": ColumnRules(values={"rent": ("our flat no1",)})}
    assert judged(warehouse, months, rules=own).is_empty(), "what it may hold is declared"


def test_a_source_may_hold_back_what_looks_like_a_category(warehouse: Warehouse):
    put(warehouse, "transactions", sales(zipf(GOODS, 200), 40), "2024-01")
    found = judged(warehouse, declared={"transactions.category": Keep.HOLD})
    assert is_held(found) == {"transactions.category": True}
    assert found["reason_en"].item() == "declared in source.yaml"
