"""The register of what left, and finding entries in it."""
