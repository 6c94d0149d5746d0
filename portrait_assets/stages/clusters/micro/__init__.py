"""Micro-segments: parts of a segment that foretell a later outcome better than the segment."""
