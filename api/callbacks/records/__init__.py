"""The tables of callbacks and what is asked of them."""
