"""What is in demand, month by month: amounts, shares, seasons and trends."""
