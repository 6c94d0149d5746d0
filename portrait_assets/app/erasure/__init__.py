"""`portrait erase` and `portrait retain`: people, and what is older than it may be, removed."""
