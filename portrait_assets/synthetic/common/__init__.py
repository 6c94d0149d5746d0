"""Random numbers, dates, columns and files that all parts of the synthetic bank share."""
