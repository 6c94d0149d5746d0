"""The offers room: what suits whom, and what to offer next."""
