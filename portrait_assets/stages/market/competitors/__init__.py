"""What competitors do beside what the bank or shop does, and what is launched."""
