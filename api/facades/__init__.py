"""Compositions over several domains: a callback, or a room, with a conference and the links into it."""
