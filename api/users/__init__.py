"""People: who works here, what they do, and their passwords."""
