"""Rows of raw tables to typed ones, with a record of all that was not taken."""
