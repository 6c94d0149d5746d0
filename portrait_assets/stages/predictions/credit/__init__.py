"""Credit scores of targets of credit: a card a target, what it scores, and how it came true."""
