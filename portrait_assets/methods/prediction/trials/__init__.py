"""Which families of models are tried, by what settings, and from which rows they learn."""
