"""What can be done with any table in a file, without a source."""
