"""What every endpoint shares: the operation record, the call it is handed, error bodies, OpenAPI, middleware."""
