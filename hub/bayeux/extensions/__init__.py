"""Extensions of the protocol: what they read from `ext`, and what they put there."""
