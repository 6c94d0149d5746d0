"""What leaves the warehouse: the file that analysts open and the report that people read."""
