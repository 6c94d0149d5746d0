"""What a product is designed by: needs, price points and bundles of each segment."""
