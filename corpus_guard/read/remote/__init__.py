"""Files that lie on a hub: which there are, and their bytes."""
