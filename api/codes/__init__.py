"""One-time codes: that somebody reads the messages to a number or an address, proved once."""
