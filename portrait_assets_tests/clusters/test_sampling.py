import polars as pl

from portrait_assets.methods.clustering.preparation.sampling import known_customers

ALL = ["visits", "spend", "age", "score"]


def world(unknown: int) -> pl.DataFrame:
    """Ten customers, the first of whom have an age at most; hardly anyone has a score."""
    at = pl.int_range(10)
    return pl.select(
        customer_id=at,
        visits=pl.when(at >= unknown).then(at.cast(pl.Float64)),
        spend=pl.when(at >= unknown).then(10.0).otherwise(float("nan")),
        age=at + 20,
        score=pl.when(at == 9).then(1.0),
    )


def test_customers_of_whom_hardly_anything_is_known_are_set_aside() -> None:
    assert known_customers(world(2), ALL)["customer_id"].to_list() == list(range(2, 10))


def test_a_column_that_most_lack_is_not_held_against_anyone() -> None:
    assert known_customers(world(0), ALL).height == 10


def test_where_most_are_unknown_all_stay() -> None:
    assert known_customers(world(6), ["visits", "spend", "age"]).height == 10


def test_without_columns_all_stay() -> None:
    assert known_customers(world(2), []).height == 10
