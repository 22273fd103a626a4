"""One file per stage of a probe; the file is its registration."""
