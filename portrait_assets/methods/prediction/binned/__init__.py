"""Features as weights of their bins: the method of scorecards, for any outcome."""
