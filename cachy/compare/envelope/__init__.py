"""What changed around a body: the status, the headers, an error; what cannot be compared."""
