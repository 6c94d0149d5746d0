"""What runs read, and which months were materialized before that changed."""
