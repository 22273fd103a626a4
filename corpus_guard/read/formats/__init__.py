"""One file per format; the file is its registration."""
