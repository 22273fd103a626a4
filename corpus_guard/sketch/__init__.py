"""What one pass gathers of the rows, shared by all detectors: one file a sketch.

`rows/` holds what sketches and detectors are given, `text/` what turns words into numbers and back,
`kernels/` the compiled loops.
"""
