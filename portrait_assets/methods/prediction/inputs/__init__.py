"""What a model may be fitted to: columns that say enough, and none that gives the outcome away."""
