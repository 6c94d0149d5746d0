"""The market, what happens in it, and what customers buy and how it ends."""
