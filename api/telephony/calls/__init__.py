"""Calls: what agents may do with them, what has become of them, and what is told about it."""
