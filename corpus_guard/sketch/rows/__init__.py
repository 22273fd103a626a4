"""The scanned rows: batches of them, where they are kept, and what detectors are given."""
