"""Tags: the catalogue, the tag table, the portrait matrix and audiences."""
