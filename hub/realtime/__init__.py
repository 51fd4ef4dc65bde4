"""Sessions of this process: who listens to what, and how events reach them."""
