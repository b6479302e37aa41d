"""What changed in bodies and streams, and what excuses a difference."""
