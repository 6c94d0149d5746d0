"""Which algorithm and how many clusters: candidates, their evidence, and the choice."""
