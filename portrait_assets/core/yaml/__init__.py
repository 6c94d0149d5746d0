"""YAML files that people write: what they may hold, with each mistake in a sentence."""
