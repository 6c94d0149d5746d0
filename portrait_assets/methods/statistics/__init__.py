"""Statistics that SciPy and scikit-learn lack, or compute for one sample at a time."""
