"""What a whole run did."""
