"""Drafts of tags that would have predicted better, and demotions of those that did not."""
