"""The shape of answers: learning it, contracts, JSON Schema."""
