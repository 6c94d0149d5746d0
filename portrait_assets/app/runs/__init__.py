"""A request carried out in pieces: what it will take, how far it is, and how it is stopped."""
