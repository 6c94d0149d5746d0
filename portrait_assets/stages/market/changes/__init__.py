"""What changed against an earlier month, of what it is made, and for whom."""
