"""From records of any shape to batches of one schema.

files → facts      what a sample of the records tells of their fields
scheme, sorting → layouts   by which layout each record is read: by its own fields
roles → batches    what each record says in each role
"""

from corpus_guard.normalise.batches import keep_sample, to_batch
from corpus_guard.normalise.files import Surveyed, detect_layout, survey_files
from corpus_guard.normalise.forms.threads import Table, Threads
from corpus_guard.normalise.forms.unfolding import Unfolder
from corpus_guard.normalise.scheme import Scheme, holds, named_by
from corpus_guard.normalise.sorting import Sorter

__all__ = [
    "Scheme",
    "Sorter",
    "Surveyed",
    "Table",
    "Threads",
    "Unfolder",
    "detect_layout",
    "holds",
    "keep_sample",
    "named_by",
    "survey_files",
    "to_batch",
]
