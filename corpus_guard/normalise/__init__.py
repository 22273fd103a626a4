"""From records of any shape to batches of one schema."""

from corpus_guard.normalise.batches import keep_sample, to_batch
from corpus_guard.normalise.files import file_layouts
from corpus_guard.normalise.layouts import detect_layout

__all__ = ["detect_layout", "file_layouts", "keep_sample", "to_batch"]
