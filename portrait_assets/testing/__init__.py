"""Small worlds to test and measure with, for this package and for packages that build on it.

`shop` is a whole source of four files and its runs, `published` compares published files,
`golden` records their schema, `steps` runs one step by itself, and the worlds of features, tags
and clusters give a stage its inputs without a run. None of it needs more than the package itself,
and no other folder of the package imports it.
"""
