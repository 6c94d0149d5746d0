"""The next best product of each customer: of those that suit, what is more probable than for all."""
