"""Two structures and the changes between them; rules are rows."""
