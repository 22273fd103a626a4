"""Every error that corpus-guard raises on purpose.

    CorpusGuardError             caught by the command line, shown as one sentence
    ├── UsageError               a wrong argument or an unreadable target, exit code 4
    │   └── UnreadableTarget     nothing of the target can be read
    ├── RunError                 a run cannot go on, through no fault of its arguments, exit code 2
    ├── PluginError              a plugin clashes, cannot be loaded or has an unknown option
    ├── NotAssessed              something is there and could not be assessed; the report says why
    │   └── NotPresent           there is nothing of the kind to assess, or too little for any test
    ├── PluginFailed             a plugin raised; what needs it did not run, and the report says so
    ├── TemplateFailed           a model's chat template cannot be rendered, or was stopped
    └── MergeError               two sketches with unequal options were merged

A message says what happened, where, and what to do. It quotes text from outside only through
`corpus_guard.escape.safe_text`.
"""

import errno

_OF_THE_SYSTEM = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENOMEM)
)


class CorpusGuardError(Exception):
    """The root of the tree."""


class UsageError(CorpusGuardError):
    """A wrong argument; the message holds the mend."""


class UnreadableTarget(UsageError):
    """Nothing of the target can be read."""


class RunError(CorpusGuardError):
    """A run cannot go on, through no fault of its arguments; the message says how to take it up."""


class PluginError(CorpusGuardError):
    """A plugin clashes with another, cannot be loaded, or was given an unknown option."""


class MergeError(CorpusGuardError):
    """Two sketches with unequal options cannot be merged."""


class TemplateFailed(CorpusGuardError):
    """A model's chat template raises, or takes more text, time or memory than it may."""


class PluginFailed(CorpusGuardError):
    """A plugin raised; the message says what and goes to the report."""


class NotAssessed(CorpusGuardError):
    """What a detector looks at is there, but it cannot be assessed; the message goes to the report.

    The scan is incomplete then. Where nothing of the kind is there, raise NotPresent.
    """


class NotPresent(NotAssessed):
    """The data hold nothing of the kind that a detector looks at, or too little to tell anything of."""


def ends_the_scan(error: BaseException) -> bool:
    """Say whether what was raised is no plugin's fault: no memory, a full disk, a dead worker."""
    if isinstance(error, OSError):
        return error.errno in _OF_THE_SYSTEM
    return isinstance(error, MemoryError | RunError)
