"""Pictures of how predictions, scorecards and lifetime values came true."""
