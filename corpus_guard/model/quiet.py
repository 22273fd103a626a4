"""Silence for libraries that talk on stderr and draw progress bars."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def quiet() -> Iterator[None]:
    """Let transformers, huggingface_hub and warnings say nothing while the block runs."""
    from transformers import modeling_gguf_pytorch_utils as gguf_utils
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    bar = gguf_utils.tqdm  # takes no notice of the switch
    gguf_utils.tqdm = _no_bar
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        gguf_utils.tqdm = bar
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _no_bar(items: Iterable[T], **_: object) -> Iterable[T]:
    return items
