"""From a request to its recorded response, for every client library."""
