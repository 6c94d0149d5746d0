"""What the machine gives: memory, threads, processes of their own."""
