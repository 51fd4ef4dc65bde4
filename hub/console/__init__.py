"""What browsers are shown: the console at `/console`, the API's documentation at `/docs`, and the modules they load."""
