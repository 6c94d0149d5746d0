"""The warehouse written anew without some rows, and with numbers of few counted again."""
