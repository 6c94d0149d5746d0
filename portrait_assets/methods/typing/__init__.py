"""From values as received to typed values that keep to the rules of their declaration."""
