"""Where texts of people still stand: in the decoded values, and in the bytes, of files."""
