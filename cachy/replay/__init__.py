"""From a request to its recorded answer, whatever client library sends it."""
