"""Offers: which products suit whom, and what to offer each customer next."""
