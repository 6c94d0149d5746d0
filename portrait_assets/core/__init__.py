"""What everything rests on: errors, settings, months, bounds of memory."""
