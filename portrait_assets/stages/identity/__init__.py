"""Raw records to customers: which records are one person's, as of each month."""
