"""`portrait subject`: all that is held of one person, for the person themself."""
