"""Two responses are compared: facts become changes, and each change has a rule."""
