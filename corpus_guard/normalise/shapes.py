"""What kind of values a field holds, as far as it tells which role the field plays."""

import re
from collections.abc import Callable, Mapping, Sequence

from corpus_guard.normalise.fields import as_text
from corpus_guard.normalise.turns import is_chat, is_message_list, is_pairs, is_strings

COMMON_SHARE = 8
"""What one record in 8 does is what the file does: else a few planted records could change it."""

_FLAGS = frozenset({"0", "1", "-1", "true", "false", "yes", "no", "good", "bad"})
_WORDS_OF_PROSE = 3
_SIGNS_OF_PROSE = 6
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
"""Letters of scripts without spaces between words."""

MOST_LABELS_OF_ONE = 16
"""So many labels at most one record has."""

Values = Sequence[object]


def is_label_like(values: Values) -> bool:
    """Say whether values are short texts or numbers, or a few of these, but for some."""
    return _nearly_all(values, _may_be_label)


def _may_be_label(value: object) -> bool:
    if isinstance(value, list):
        return 0 < len(value) <= MOST_LABELS_OF_ONE and all(is_short(item, 100) for item in value)
    return is_short(value, 100) or _is_whole(value)


def is_short(value: object, longest: int) -> bool:
    """Say whether a value is a text or a whole number of at most `longest` characters."""
    return isinstance(value, str | int) and len(str(value)) <= longest


def _is_whole(value: object) -> bool:
    return isinstance(value, float) and (value.is_integer() or value != value)


def _is_flag(value: object) -> bool:
    return (is_short(value, 10) or _is_whole(value)) and (as_text(value) or "").lower() in _FLAGS


def _is_pick(value: object) -> bool:
    """Say whether a value names one of a few choices: a letter, (A), a small number."""
    return is_short(value, 3) if isinstance(value, str) else is_short(value, 2) or _is_whole(value)


def _is_prose(value: object) -> bool:
    if not isinstance(value, str):
        return False
    begun = value[:200]
    return len(begun.split()) >= _WORDS_OF_PROSE or len(_UNSPACED.findall(begun)) >= _SIGNS_OF_PROSE


def _is_two_texts(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) == 2
        and all(isinstance(text, str) for text in value.values())
    )


def _is_tree(value: object) -> bool:
    return isinstance(value, Mapping) and is_message_list(value.get("replies"))


def _nearly_all(values: Values, fits: Callable[[object], bool]) -> bool:
    return sum(not fits(value) for value in values) <= len(values) // COMMON_SHARE


def _most(values: Values, fits: Callable[[object], bool]) -> bool:
    return bool(values) and sum(fits(value) for value in values) * 2 > len(values)


SHAPES: Mapping[str, Callable[[Values], bool]] = {
    "chat": lambda values: _most(values, is_chat),
    "pairs": lambda values: _most(values, is_pairs),
    "strings": lambda values: _most(values, is_strings),
    "list": lambda values: _most(values, lambda value: isinstance(value, list)),
    "tree": lambda values: _most(values, _is_tree),
    "languages": lambda values: _most(values, _is_two_texts),
    "prose": lambda values: _most(values, _is_prose),
    "label": is_label_like,
    "flag": lambda values: _nearly_all(values, _is_flag),
    "pick": lambda values: _nearly_all(values, _is_pick),
}
"""By name, whether the values of a field that are not null have a shape."""
