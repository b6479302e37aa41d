"""One module for each client library, and what they share."""
