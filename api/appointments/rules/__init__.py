"""What an appointment is, who may do what to it, when it may be, and how its values are written. Pure."""
