"""The shape of responses: learning it, contracts, JSON Schema."""
