"""How well scores separate hits from the rest, and by how much one does better than another."""
