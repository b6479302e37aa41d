"""Offline health of a folder of fixtures."""
