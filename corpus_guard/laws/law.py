"""What a law is, and how its breach is told."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from unittest import SkipTest

S = TypeVar("S")
Differences = Iterator[str]
"""What differs from what a law asks for, in words; nothing where it holds."""


class LawBroken(AssertionError):
    """A plugin does not keep a law; the message says which plugin, which law, and what differed."""


class NotComparable(SkipTest):
    """A law cannot be judged on this plugin and this data; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One thing that a plugin promises: `name`, and `meaning` in one sentence."""

    name: str
    meaning: str
    plugin: str
    differences: Callable[[], Differences]

    def check(self) -> None:
        """Return if the plugin keeps the law.

        Raises LawBroken if not, and NotComparable, which test runners show as skipped, where nobody
        can say.
        """
        try:
            found = next(self.differences(), None)
        except NotComparable as reason:
            raise NotComparable(f"{self}: {reason}") from None
        except Exception as error:  # a plugin raises anything
            raise LawBroken(self._told(f"{type(error).__name__} was raised: {error}")) from error
        if found is not None:
            raise LawBroken(self._told(found))

    def __str__(self) -> str:
        """Return plugin and law, for lists of tests."""
        return f"{self.plugin}-{self.name}"

    def _told(self, what: str) -> str:
        return f"{self.plugin} breaks the law {self.name} ({self.meaning}): {what}"


def laws_from(
    plugin: str, given: S, judges: Sequence[Callable[[S], Differences]]
) -> tuple[Law, ...]:
    """Return one law a judge: it is named after the function, and its docstring says what it means."""
    return tuple(
        Law(
            name=judge.__name__,
            meaning=(judge.__doc__ or "").split("\n")[0].rstrip("."),
            plugin=plugin,
            differences=partial(judge, given),
        )
        for judge in judges
    )
