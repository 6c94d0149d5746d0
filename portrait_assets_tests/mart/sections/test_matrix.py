"""The matrix of segments and tags has the values that differ most."""

from __future__ import annotations

from collections import Counter

import pytest

from portrait_assets.stages.mart.reading import TagName
from portrait_assets.stages.mart.sections.matrix import matrix
from portrait_assets.stages.mart.segments.profiles import segments
from portrait_assets.storage.published import Published, Row
from portrait_assets_tests.mart.months_world import SIZES


def test_the_matrix_has_the_values_that_differ_most(published: Published):
    names = {
        f"t{n}": TagName(f"t{n}", f"T{n}", f"标{n}", "symbol", {"a": ("A", "甲")}, True)
        for n in range(12)
    }
    counts: list[Row] = [
        {"segment_id": s, "tag": f"t{n}", "value": value, "n": size}
        for n in range(12)
        for value, sizes in (("a", (n, 1, 9)), ("b", (12 - n, 3, 0)), ("c", (1, 12, 0)))
        for s, size in zip(SIZES, sizes, strict=True)
        if size
    ]
    counts.append({"segment_id": 1, "tag": "t0", "value": "false", "n": 30})
    counts.append({"segment_id": 2, "tag": "t1", "value": "rare", "n": 1})
    found = matrix(names, counts, published.of(segments))
    shown = {each["element"]: each["lines"] for each in found}

    def spread(code: str, value: str) -> float:
        rows = [r for r in counts if (r["tag"], r["value"]) == (code, value)]
        own: dict[int, int] = {row["segment_id"]: row["n"] for row in rows}
        return max(abs(own.get(s, 0) / SIZES[s] - sum(own.values()) / 59) for s in (1, 2))

    listed = sorted(
        {(r["tag"], r["value"]) for r in counts} - {("t0", "false"), ("t1", "rare")},
        key=lambda key: (-spread(*key), *key),
    )
    taken: Counter[str] = Counter()
    expected: list[tuple[str, str]] = []
    for code, value in listed:
        taken[code] += 1
        if taken[code] <= 2 and len(expected) < 9:
            expected.append((code, value))
    assert [(line["code"], line["value"]) for line in shown["symbol"]] == sorted(
        expected, key=lambda key: key[0]
    )
    for line in shown["symbol"]:
        assert line["spread"] == pytest.approx(spread(line["code"], line["value"]))
        assert line["cells"][2] is None
    assert [shown[each] for each in ("entity", "concept", "principle")] == [[], [], []]


@pytest.mark.parametrize(("customers", "lines"), [(50, 1), (51, 0)])
def test_a_value_of_fewer_than_two_percent_is_not_in_the_matrix(customers: int, lines: int):
    name = TagName("t", "T", "标", "symbol", {}, True)
    segment = {"segment_id": 1, "customers": customers, "is_small": False}
    counts = [{"segment_id": 1, "tag": "t", "value": "a", "n": 1}]
    shown = {each["element"]: each["lines"] for each in matrix({"t": name}, counts, [segment])}
    assert len(shown["symbol"]) == lines
