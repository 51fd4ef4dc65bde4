"""Tickets: links that let a customer into one conference, without an account."""
