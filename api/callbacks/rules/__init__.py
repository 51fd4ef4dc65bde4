"""What is decided about callbacks. Pure."""
