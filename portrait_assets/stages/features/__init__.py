"""Cleaned tables to the feature matrix: monthly aggregates, then one wide row per customer."""
