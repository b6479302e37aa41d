"""Plan, send, confirm, and why a fixture could not be checked."""
