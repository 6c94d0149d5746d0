"""What may be done with what is known of each customer: by purpose, by channel, as of a day."""
