"""Devices, contact-centre sessions and the states of agents."""
