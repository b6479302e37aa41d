"""The fixtures over HTTP, on loopback, for programs in any language."""
