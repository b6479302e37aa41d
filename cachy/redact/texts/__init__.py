"""Secrets in texts of a known form: JSON, markup, tables, commands, and what a text assigns."""
