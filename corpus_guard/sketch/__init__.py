"""What one pass gathers of the rows, shared by all detectors."""
