"""Whether density is lower between segments than within them."""
