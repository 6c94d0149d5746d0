"""The parts that features are computed from: what customers did over a window of months."""
