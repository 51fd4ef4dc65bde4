"""Which kind of timer is answered by what. Nothing is decided here."""
