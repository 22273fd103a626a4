"""Databases, opened so that nothing in them is run."""
