"""The switches that carry calls: one simulated inside the hub, and whatever stands behind a connector."""
