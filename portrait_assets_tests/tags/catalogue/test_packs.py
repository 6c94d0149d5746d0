"""Packs of tags: which a source has, and what it hears of a tag that it does not have."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import pytest

from portrait_assets.core.source_folder import PACKAGED_SOURCES, source_names
from portrait_assets.stages.features.contract import FEATURES
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.tags.audiences.saved_audiences import source_audiences
from portrait_assets.stages.tags.catalogue.entries import read_catalogue_file
from portrait_assets.stages.tags.catalogue.load import (
    load_catalogue,
    source_catalogue,
    source_packs,
)
from portrait_assets.stages.tags.catalogue.packs.pack import chosen, default_packs, packs
from portrait_assets.stages.tags.catalogue.tag import Catalogue, TagError

SOURCE = """
name: mine
title: {en: Mine, zh: 我的}
licence: ours
first_month: 2024-01
time_zone: Asia/Shanghai
currency: CNY
files_in: .
files: {rows: rows.csv}
"""


def source(folder: Path, more: str = "", tables: Collection[str] = ("transactions",)) -> Path:
    """A source of these tables, with more lines in its source.yaml, which are 10 and after."""
    own = folder / "mine"
    own.mkdir(parents=True, exist_ok=True)
    (own / "source.yaml").write_text(SOURCE + more, encoding="utf-8")
    for table in tables:
        (own / f"{table}.sql").write_text("SELECT 1", encoding="utf-8")
    return own


def names(folder: Path) -> list[str]:
    return [pack.name for pack in source_packs(load_source(folder))]


def codes(catalogue: Catalogue) -> set[str]:
    """Codes of all tags, also of those whose class keeps them from being published."""
    return {tag.code for tag in (*catalogue.tags, *catalogue.withheld)}


@pytest.mark.parametrize(
    ("lines", "tables", "expected"),
    [
        ("packs: [retail]", ["balances"], ["core", "retail"]),
        ("packs: [retail, bank]", ["transactions"], ["core", "bank", "retail"]),
        ("packs: [core]", ["transactions"], ["core"]),
        ("packs: []", ["transactions", "balances"], ["core"]),
        ("", ["transactions", "products"], ["core", "retail"]),
        ("", ["balances"], ["core", "bank"]),
        ("", ["transactions", "balances"], ["core", "bank"]),
    ],
)
def test_a_source_has_the_packs_that_it_names_or_that_fit_its_tables(
    tmp_path: Path, lines: str, tables: list[str], expected: list[str]
):
    assert names(source(tmp_path, lines, tables)) == expected


def test_a_bank_has_no_tag_of_those_who_sell_goods(tmp_path: Path):
    bank = codes(source_catalogue(source(tmp_path, "packs: [bank]")))

    assert bank == packs()["core"].codes | packs()["bank"].codes
    assert not bank & packs()["retail"].codes
    assert {"value_tier", "past_due"} <= bank
    assert not {"own_label_loyalty", "shopping_mission", "suitable_offers"} & bank


OF_SHOPS = re.compile(
    "own.label|stock.?up|basket|mission|shop|grocer|coupon|aisle|voucher|mailer"
    "|超市|购物|自有品牌|囤货|券|品类|客单",
    re.IGNORECASE,
)


def test_a_bank_s_tags_and_features_are_in_words_that_fit_a_bank(tmp_path: Path):
    tags = source_catalogue(source(tmp_path, "packs: [bank]")).tags
    texts = [
        text
        for tag in tags
        for text in (
            *(tag.code, tag.name_en, tag.name_zh, tag.description_en, tag.description_zh),
            *(word for value in tag.values for word in (value.value, value.en, value.zh)),
        )
    ]
    assert [text for text in texts if OF_SHOPS.search(text)] == []
    names = [name for feature in FEATURES for name in (feature.en, feature.zh)]
    assert [name for name in names if OF_SHOPS.search(name)] == []
    retail = load_catalogue(start=[packs()["core"], packs()["retail"]])
    assert any(OF_SHOPS.search(tag.name_en) for tag in retail.tags)


def test_a_pack_that_there_is_not_is_named_with_its_line_and_the_nearest(tmp_path: Path):
    with pytest.raises(TagError) as caught:
        source_catalogue(source(tmp_path, "packs: [retial]"))

    assert str(caught.value) == (
        "mine/source.yaml, line 10: there is no pack of tags 'retial' (did you mean retail?); "
        "packs may name bank, retail, and [] is the core alone."
    )


@pytest.mark.parametrize("name", sorted(packs()))
def test_every_pack_is_complete_with_those_that_it_needs(tmp_path: Path, name: str):
    """What it reads is in it, in the core, or in what it names under needs."""
    found = source_catalogue(source(tmp_path, f"packs: [{name}]"))

    assert codes(found) == {code for pack in chosen([name]) for code in pack.codes}
    assert found.active("2024-01")


def test_every_tag_is_in_one_pack():
    found = [code for pack in packs().values() for code in pack.codes]
    assert len(found) == len(set(found))


def test_all_packs_together_are_a_catalogue(tmp_path: Path):
    everything = source_catalogue(source(tmp_path, f"packs: [{', '.join(packs())}]"))
    assert codes(everything) == {code for pack in packs().values() for code in pack.codes}


def test_the_packaged_sources_name_their_packs():
    assert {name: names(PACKAGED_SOURCES / name) for name in source_names(PACKAGED_SOURCES)} == {
        "complete_journey": ["core", "retail"],
        "corner_shop": ["core", "retail"],
        "synthetic_bank": ["core", "bank"],
        "uci_bank_marketing": ["core", "bank"],
    }
    assert default_packs(()) == ()


def of_retail(line: int, file: str, code: str) -> str:
    return (
        f"{file}, line {line}: {code} is a tag of the pack retail; add retail to packs in "
        "source.yaml."
    )


def test_a_tag_of_another_pack_cannot_be_changed(tmp_path: Path):
    own = source(tmp_path, "packs: [bank]")
    (own / "tags.yaml").write_text("tags:\n  - {code: price_sensitivity, owner: me}\n")

    with pytest.raises(TagError) as caught:
        source_catalogue(own)
    assert str(caught.value) == of_retail(2, "tags.yaml", "price_sensitivity")


def test_a_tag_of_another_pack_cannot_be_read(tmp_path: Path):
    own = source(tmp_path, "packs: [bank]")
    (own / "tags.yaml").write_text(
        "tags:\n  - {code: win_back, version: 4, expression: \"basket_size = 'large'\"}\n"
    )
    with pytest.raises(TagError, match=r"tag win_back: basket_size is a tag of the pack retail; a"):
        source_catalogue(own)


def test_a_tag_of_another_pack_may_be_written_anew(tmp_path: Path):
    own = source(tmp_path, "packs: []")
    (own / "tags.yaml").write_text(
        """
        tags:
          - code: basket_size
            version: 1
            name: {en: Size of orders, zh: 订单规模}
            description: {en: "Size; for us", zh: "规模;供我们"}
            element: symbol
            category: [value, spend, spend]
            kind: rule
            expression: average_ticket_12m >= 100
            type: boolean
            owner: us
            valid_months: 1
            on_missing: clear
            status: active
        """,
        encoding="utf-8",
    )
    found = source_catalogue(own)
    assert found.tag("basket_size").name_en == "Size of orders"
    assert "basket_size" not in found.elsewhere


def test_an_approval_and_an_audience_of_another_pack_name_the_pack(tmp_path: Path):
    own = source(tmp_path, "packs: [bank]")
    catalogue = source_catalogue(own)
    with pytest.raises(TagError, match=r"^deal_hunter is a tag of the pack retail; add retail to"):
        catalogue.tag("deal_hunter")
    (own / "audiences.yaml").write_text(
        "audiences:\n  - {code: deals, name: {en: D, zh: 甲}, owner: o, where: deal_hunter}\n",
        encoding="utf-8",
    )
    with pytest.raises(TagError, match=r"line 2: audience deals: .*hunter is a tag of the pack"):
        source_audiences(own, catalogue)
    (own / "tag_approvals.yaml").write_text(
        "- {code: deal_hunter, version: 1, action: retire, effective_from: 2024-02, by: Li, "
        "reason: none, on: 2024-02-01, definition_hash: abc}\n"
    )
    with pytest.raises(TagError) as caught:
        source_catalogue(own)
    assert str(caught.value) == of_retail(1, "tag_approvals.yaml", "deal_hunter")


def test_only_a_pack_has_the_fields_of_packs(tmp_path: Path):
    path = tmp_path / "tags.yaml"
    path.write_text("needs: [retail]\n")
    with pytest.raises(TagError, match=r"tags\.yaml, line 1: .*needs"):
        read_catalogue_file(path)
