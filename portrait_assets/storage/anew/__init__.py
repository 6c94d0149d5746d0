"""A database file that is written by a process which has read no other."""
