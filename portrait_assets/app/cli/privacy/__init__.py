"""Commands of what the law asks: rights, erasure, the register, pseudonyms."""
