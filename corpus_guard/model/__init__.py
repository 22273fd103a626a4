"""Models: what their files are, whether they are safe, how they are loaded and asked."""
