"""What a test asks of replay: to see its own requests."""
