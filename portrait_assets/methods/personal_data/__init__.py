"""Forms of names, phones, identity numbers and addresses."""
