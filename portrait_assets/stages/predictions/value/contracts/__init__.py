"""What contracts are worth: the chance that each is still there, times balance, times margin."""
