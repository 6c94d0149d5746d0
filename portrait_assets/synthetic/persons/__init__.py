"""Who the customers are: kinds, lives, records, duplicates, prospects and consents."""
