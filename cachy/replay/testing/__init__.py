"""What only tests ask of replay: to see their requests, and to take back what failed."""
