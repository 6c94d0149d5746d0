"""Raw tables to typed ones keyed by customer; what cannot be taken is accounted for."""
