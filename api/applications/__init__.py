"""Applications: the settings under which an organization's customers make appointments."""
