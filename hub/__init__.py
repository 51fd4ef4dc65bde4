"""The notification hub: protocol, sessions, brokers and the plumbing they share."""
