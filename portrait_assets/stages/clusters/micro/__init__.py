"""Micro-segments: parts of a segment that predict a later outcome better than the segment."""
