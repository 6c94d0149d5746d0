"""One customer's card: tags, predictions, and what both rest on."""
