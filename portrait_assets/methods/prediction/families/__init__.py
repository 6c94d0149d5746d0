"""What the families of models have in common, and each of them."""
