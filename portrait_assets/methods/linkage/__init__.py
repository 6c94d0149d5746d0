"""Record linkage: which records are of one person."""
