"""What people run: the command line, and the services behind it."""
