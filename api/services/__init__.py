"""GMS services: what an application can start and match, its storage, and office hours."""
