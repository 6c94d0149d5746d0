"""Names of segments: from profiles, and as given by people."""
