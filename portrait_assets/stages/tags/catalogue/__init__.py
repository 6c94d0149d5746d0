"""The catalogue of tags: declared in YAML, checked, versioned."""
