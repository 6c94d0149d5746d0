"""Synthetic worlds with the truth beside them: banks that nobody has ever been a customer of."""
