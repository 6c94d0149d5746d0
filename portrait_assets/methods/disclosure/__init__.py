"""What counts of customers give away of single ones: in one table, and between two answers."""
