"""Compare what was recorded with what an API answers now."""
