"""One file per kind of poison; the file is its registration."""
