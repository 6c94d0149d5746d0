"""Small worlds to test and measure with, for this package and for what others build on it.

`shop` is a whole source of four files and its runs, `published` compares published files, and the
worlds of features, tags and clusters give a room its inputs without a run. None of it needs more
than the package itself; nothing outside this folder imports it.
"""
