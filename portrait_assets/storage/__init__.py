"""Where tables live: what is stored, by whom, and how it is read and published."""
