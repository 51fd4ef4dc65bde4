"""What operators and tools ask: health, readiness, metrics, version, and the two generated descriptions."""
