"""What a source's files and SQL give: rows as they come, with where each came from."""
