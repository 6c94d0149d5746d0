"""Customer portrait matrix: monthly tags, segments and the proof of how far to trust them."""

__version__ = "0.2.0"
