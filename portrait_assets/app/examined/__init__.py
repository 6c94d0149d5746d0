"""What `portrait doctor` asks, each question with what to do about the answer."""
