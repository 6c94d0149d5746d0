"""What the law on personal information asks, as code: keys, pseudonyms, and the one door out."""
