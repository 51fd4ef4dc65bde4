"""Telephony: devices and the agents at them, calls, and the switch that carries them."""
