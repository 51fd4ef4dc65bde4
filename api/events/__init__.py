"""Ingest: how connectors and back ends put events on channels."""
