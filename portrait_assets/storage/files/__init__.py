"""Tables in files that people name: read whatever they were saved as, and written whole."""
