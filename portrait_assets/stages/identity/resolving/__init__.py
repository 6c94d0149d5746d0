"""Records to customers, month by month, by keys, linkage and what people decided."""
