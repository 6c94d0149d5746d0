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


def test_half_of_what_is_usual_is_enough_and_half_of_the_customers_are_not_most() -> None:
    rows = pl.DataFrame(
        {
            "customer_id": ["half", "less", "all", "also"],
            "a": [1.0, None, 1, 1],
            "b": [1.0, float("inf"), 1, 1],
            "c": [None, 1.0, 1, 1],
            "d": [None, None, 1, 1],
        }
    )
    usual = [*"abcd"]
    assert known_customers(rows, usual)["customer_id"].to_list() == ["half", "all", "also"]
    # Of two one is left, which is not more than half.
    assert known_customers(rows[1:3], [*"ab"]).height == 2


def test_a_column_that_most_lack_is_not_held_against_anyone() -> None:
    assert known_customers(world(0), ALL).height == 10


def test_where_most_are_unknown_all_stay() -> None:
    assert known_customers(world(6), ["visits", "spend", "age"]).height == 10


def test_without_columns_all_stay() -> None:
    assert known_customers(world(2), []).height == 10
