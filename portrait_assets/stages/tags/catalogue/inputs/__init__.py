"""What tags may read beside features, and what each rests on."""
