"""The next best product of each customer: suitable, and more probable than for all."""
