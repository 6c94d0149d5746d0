"""k-anonymity of tables of persons: generalisation of columns, then suppression of cells."""
