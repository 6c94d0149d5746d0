"""From probable pairs to persons: groups of records that belong together as a whole."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import polars as pl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

STRONGEST, WEAKEST = 12.0, -3.0
"""Strongest evidence of one pair for and against, as log2 odds: in dirty data two records of one
person often share little, so that a difference is weaker evidence than an agreement."""
NOT_COMPARED = -1.0
"""Evidence of a pair that shares nothing to compare it by, as log2 odds."""
SAME, DIFFERENT = 1000.0, -1000.0
"""Evidence of a pair that has been decided, by a reviewer or by a key."""


def persons_of(
    pairs: pl.DataFrame, threshold: float, decided: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Group records into persons so that within each the evidence for outweighs that against.

    Groups grow from the most probable pair down and join only when all pairs between the two
    together support it (greedy correlation clustering; Bansal, Blum, Chawla 2004), so that one
    wrong pair does not chain two families into a person.

    Args:
        pairs: `record_1`, `record_2`, `match_probability`.
        threshold: the least probability at which a pair supports joining.
        decided: `record_1`, `record_2` and `weight`, which outweigh the probabilities.

    Returns:
        `record_id` and `person`, the least record identifier of the person, of every record
        that has a pair in support of it.
    """
    odds = pl.col("match_probability").clip(1e-9, 1 - 1e-9)
    evidence = pairs.select(
        "record_1",
        "record_2",
        ((odds / (1 - odds)).log(2) - np.log2(threshold / (1 - threshold)))
        .clip(WEAKEST, STRONGEST)
        .alias("weight"),
    )
    if decided is not None and decided.height:
        evidence = pl.concat([decided.select(evidence.columns), evidence]).unique(
            ["record_1", "record_2"], keep="first", maintain_order=True
        )
    if evidence.filter(pl.col("weight") > 0).is_empty():
        return pl.DataFrame(schema={"record_id": pl.String, "person": pl.String})
    return _named(_components(evidence))


def within(persons: pl.DataFrame) -> pl.DataFrame:
    """Every two records of one person, as `record_1` < `record_2`, in order."""
    left = persons.rename({"record_id": "record_1"})
    right = persons.rename({"record_id": "record_2"})
    return (
        left.join(right, on="person")
        .filter(pl.col("record_1") < pl.col("record_2"))
        .select("record_1", "record_2")
        .sort("record_1", "record_2")
    )


def _named(members: pl.DataFrame) -> pl.DataFrame:
    return (
        members.with_columns(pl.col("record_id").min().over("group").alias("person"))
        .select("record_id", "person")
        .sort("person", "record_id")
    )


def _components(evidence: pl.DataFrame) -> pl.DataFrame:
    """Records with a group number; components of one pair need no weighing."""
    ids = pl.concat([evidence["record_1"], evidence["record_2"]]).unique().sort()
    number = pl.DataFrame({"id": ids, "number": pl.int_range(len(ids), eager=True)})
    edges = (
        evidence.join(number.rename({"id": "record_1", "number": "left"}), on="record_1")
        .join(number.rename({"id": "record_2", "number": "right"}), on="record_2")
        .select("left", "right", "weight")
    )
    joining = edges.filter(pl.col("weight") > 0)
    matrix = coo_matrix(
        (np.ones(joining.height), (joining["left"].to_numpy(), joining["right"].to_numpy())),
        shape=(len(ids), len(ids)),
    )
    labels = pl.Series("group", connected_components(matrix, directed=False)[1], dtype=pl.Int64)
    edges = edges.with_columns(
        labels.gather(edges["left"]).alias("group"), labels.gather(edges["right"]).alias("other")
    ).filter(pl.col("group") == pl.col("other"))
    sizes = labels.value_counts(name="size")
    large = edges.join(sizes.filter(pl.col("size") > 2), on="group", how="semi")
    groups = labels.to_numpy().copy()
    next_group = int(groups.max()) + 1
    for part in large.sort("weight", "left", "right", descending=[True, False, False]).partition_by(
        "group", maintain_order=True
    ):
        for members in _grown(list(part.select("left", "right", "weight").iter_rows())):
            groups[members] = next_group
            next_group += 1
    return pl.DataFrame({"record_id": ids, "group": groups}).filter(pl.len().over("group") > 1)


def _grown(edges: list[tuple[int, int, float]]) -> list[list[int]]:
    """Groups of one component, grown along its edges from the strongest down."""
    weight: dict[tuple[int, int], float] = {}
    for left, right, value in edges:
        weight[left, right] = weight[right, left] = value
    group_of: dict[int, int] = {}
    members: dict[int, list[int]] = defaultdict(list)
    for node in {node for left, right, _ in edges for node in (left, right)}:
        group_of[node] = node
        members[node] = [node]
    for left, right, value in edges:
        if value <= 0:
            break
        one, two = group_of[left], group_of[right]
        if one == two:
            continue
        between = sum(weight.get((a, b), NOT_COMPARED) for a in members[one] for b in members[two])
        if between > 0:
            members[one] += members[two]
            for node in members.pop(two):
                group_of[node] = one
    return list(members.values())
