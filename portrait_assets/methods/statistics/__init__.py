"""Statistics that SciPy and scikit-learn lack, or make one at a time: arrays or frames in and out."""
