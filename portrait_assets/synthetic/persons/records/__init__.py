"""The master records of two systems: customers, prospects, duplicates and mistakes."""
