"""Who takes a product that they do not have."""
