"""Journeys, complaints, surveys and notes, and where customers are."""
