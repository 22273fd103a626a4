"""Headers of weight files, read with bounds: nothing is allocated because a header claims it."""

from corpus_guard.model.headers.gguf import read_gguf
from corpus_guard.model.headers.header import Header, HeaderError, Tensor
from corpus_guard.model.headers.safetensors import read_safetensors

__all__ = ["Header", "HeaderError", "Tensor", "read_gguf", "read_safetensors"]
