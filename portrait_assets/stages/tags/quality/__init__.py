"""How good a tag is: coverage, stability, lift."""
