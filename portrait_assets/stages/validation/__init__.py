"""Whether data, clusters and tags can be trusted: findings with numbers, thresholds and advice."""
