"""How good a card is, beside boosted trees, and what approving from a score on would bring."""
