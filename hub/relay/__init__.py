"""From committed rows to broker messages."""
