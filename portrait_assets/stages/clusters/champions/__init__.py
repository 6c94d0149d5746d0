"""Which cluster model is active in a month, and which segment is which old one."""
