"""Compiled loops over Arrow's buffers: plain arrays in, plain arrays out."""
