"""What a change is, and the rules that name it: one row a rule."""
