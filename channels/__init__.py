"""What is said: names of channels, the messages they carry, who may listen. Standard library and msgspec only."""
