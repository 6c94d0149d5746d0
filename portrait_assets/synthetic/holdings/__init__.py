"""What customers hold: products, balances, loans, what they take next and what suits them."""
