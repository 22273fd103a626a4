"""Lines, JSON, delimited tables and whole texts."""
