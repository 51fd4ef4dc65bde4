"""Appointments: an agent and a customer meet in a video room at a time that was agreed."""
