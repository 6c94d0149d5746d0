"""Golden files: what they hold, and the commands that renew them."""
