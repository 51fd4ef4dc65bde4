"""WHAT CAN BE DONE: REST, one folder a domain with its rules inside. Writes rows, never talks to a session."""
