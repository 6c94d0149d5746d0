"""What customers are worth: expected purchases and spend, by the method that did best before."""
