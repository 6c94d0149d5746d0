"""Clustering: prepared columns, a chosen partition, and a model that assigns rows."""
