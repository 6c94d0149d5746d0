"""Campaigns: plans, response groups, contacts, answers and what follows from them."""
