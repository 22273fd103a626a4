"""Plugins for corpus-guard that live outside of it: one file each, named in pyproject.toml."""
