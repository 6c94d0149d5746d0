"""The flow, from raw tables to what is published; each stage reads only those before it."""
