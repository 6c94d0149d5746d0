"""Tables of the warehouse in the file that analysts open."""
