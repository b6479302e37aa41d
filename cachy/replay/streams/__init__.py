"""Streams that last as long as their client, and what both ends of a session have said so far."""
