"""CG606: files that do not fit together, or settings that are a bomb.

An index that names shards which are not there, settings that are no JSON, larger than 10 MiB or nested
too deep, and sizes that the weights do not bear out: a loader allocates what `vocab_size` claims before
it looks at a weight. A model with such a finding is not loaded.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import chain

from corpus_guard.escape import safe_text
from corpus_guard.model.checks.rule import Rule
from corpus_guard.model.checks.weight_headers import header_of
from corpus_guard.model.files import Folder
from corpus_guard.model.headers import Header, HeaderError, Tensor
from corpus_guard.model.jsons import Malformed, members, read_json, read_object
from corpus_guard.model.weights import ADAPTER, INDEX, SETTINGS, VOCABULARY, choose, is_adapter
from corpus_guard.probe_types import FileFinding
from corpus_guard.types import Severity

PACKED = 16
"""Quantised weights hold up to so many numbers in one."""

MOST_LABELS = 100_000
LARGEST_NUMBER = 1 << 26
_LAYERS = re.compile(r"(num_(hidden_|decoder_|encoder_)?layers|n_layers?|block_count)\Z")
_SIZES = re.compile(r"(\A|_)(num|n|d|size|dim|rank|heads|layers|count|length|experts)(_|\Z)")
_POSITIONS = re.compile(r"(n_positions|n_ctx|max_position_embeddings|context_length|seq_length)\Z")
_UNBOUND = re.compile(r"max_|context|token|_ids?\Z|position|ctx|seq|window|train|sample")
_SQUARE_MASK = re.compile(r"gpt2|gptj|gpt_neo\Z|gpt_bigcode|codegen|openai-gpt")
"""Families that make a mask of the square of the positions before a weight is read."""

LONGEST_MASKED, LONGEST_CONTEXT = 1 << 15, 1 << 25
_GROUP_REPEATED = re.compile(r"\)[*+{]")
LONGEST_PATTERN = 2000
_RULE = Rule("CG606", "Get the model again; if it is the same, do not load it with anything.")


def check(folder: Folder) -> Iterator[FileFinding]:
    """Yield a finding for everything that does not fit."""
    if folder.is_cut:
        yield _finding("high", "", "The folder holds too many files; not all were looked at.")
    yield from _settings(folder)
    weights = choose(folder)
    for shard in weights.missing:
        yield _finding("high", INDEX, f"It names {safe_text(shard, 200)}, which is not there.")
    try:
        headers = {name: header_of(folder, name) for name in weights.names}
    except (HeaderError, OSError):
        return  # told by CG604
    if INDEX in folder.names and weights.names:
        yield from _index(folder, headers)
    if not headers:
        return
    if is_adapter(folder):
        yield from _adapter(folder, headers)
    else:
        yield from _sizes(folder, headers)


def _settings(folder: Folder) -> Iterator[FileFinding]:
    """Yield the JSON files that cannot be read; of those that are used none may be odd."""
    for name in folder.ending(".json"):
        try:
            value = read_json(folder.path(name))
            if name in SETTINGS and not isinstance(value, dict):
                raise Malformed("it is no JSON object")
        except (Malformed, OSError) as error:
            why = str(error) if isinstance(error, Malformed) else "it cannot be read"
            severity: Severity = "high" if name in (*SETTINGS, *VOCABULARY, INDEX) else "low"
            yield _finding(severity, name, f"{safe_text(name, 200)} was refused: {why}.")


def _index(folder: Folder, headers: Mapping[str, Header]) -> Iterator[FileFinding]:
    try:
        told = read_object(folder.path(INDEX)).get("weight_map")
    except (Malformed, OSError):
        return
    named = set(told.items()) if isinstance(told, dict) else set()
    there = {(tensor.name, name) for name, header in headers.items() for tensor in header.tensors}
    wrong = {pair for pair in named ^ there if pair in there or pair[1] in headers}
    if wrong:
        first = safe_text(sorted(wrong)[0][0], 200)
        yield _finding(
            "high", INDEX, f"{len(wrong)} tensors are not where it says, {first} among them."
        )


def _sizes(folder: Folder, headers: Mapping[str, Header]) -> Iterator[FileFinding]:
    """Yield every number of the settings that is larger than the weights bear out."""
    tensors = [tensor for header in headers.values() for tensor in header.tensors]
    name = "config.json"
    numbers: Iterator[tuple[str, object]]
    if name in folder.names:
        try:
            numbers = members(read_object(folder.path(name)))
        except (Malformed, OSError):
            return
    else:
        name = next(iter(headers))
        told = headers[name].metadata
        numbers = chain.from_iterable(_unprefixed(key, value) for key, value in told.items())
    pairs = list(numbers)
    is_masked = any(
        key in ("model_type", "architecture") and _SQUARE_MASK.search(str(value))
        for key, value in pairs
    )
    for key, told_value in pairs:
        if type(told_value) not in (int, float):
            continue
        value, shown = float(str(told_value)), safe_text(key, 100)
        if _is_too_long(key, value, is_masked) or _is_too_large(key, value, tensors):
            yield _finding(
                "high", name, f"{shown} is {value:g}, far more than the weights bear out.", shown
            )


def _unprefixed(key: str, value: object) -> Iterator[tuple[str, object]]:
    if key == "general.architecture" or not key.startswith(("general.", "tokenizer.", "#")):
        yield key.rsplit(".", 1)[-1], value


def _is_too_long(key: str, value: float, is_masked: bool) -> bool:
    longest = LONGEST_MASKED if is_masked else LONGEST_CONTEXT
    return _POSITIONS.match(key) is not None and value > longest


def _is_too_large(key: str, value: float, tensors: list[Tensor]) -> bool:
    if _LAYERS.match(key):
        return value > max(len(tensors), 1)
    if key == "num_labels":
        return value > MOST_LABELS
    if _UNBOUND.search(key) or not _SIZES.search(key):
        return False
    largest = max((max(tensor.shape, default=1) for tensor in tensors), default=1)
    return value > min(LARGEST_NUMBER, max(PACKED * largest, 1 << 16))


def _adapter(folder: Folder, headers: Mapping[str, Header]) -> Iterator[FileFinding]:
    try:
        settings = read_object(folder.path(ADAPTER))
    except (Malformed, OSError):
        return
    shapes = [tensor.shape for header in headers.values() for tensor in header.tensors]
    largest = max((max(shape, default=1) for shape in shapes), default=1)
    ranks = [settings.get("r"), *dict(_object(settings.get("rank_pattern"))).values()]
    for rank in ranks:
        if rank is not None and (type(rank) is not int or not 0 < rank <= largest):
            yield _finding("high", ADAPTER, "A rank is more than the weights bear out.", "r")
    for pattern in _patterns(settings):
        if len(pattern) > LONGEST_PATTERN or _GROUP_REPEATED.search(pattern):
            yield _finding(
                "high", ADAPTER, "A pattern for module names may take for ever to match.", "pattern"
            )


def _patterns(settings: Mapping[str, object]) -> Iterator[str]:
    for key in ("target_modules", "exclude_modules", "modules_to_save", "layers_pattern",
                "target_parameters"):  # fmt: skip
        value = settings.get(key)
        values = value if isinstance(value, list) else [value]
        yield from (one for one in values if isinstance(one, str))
    for key in ("rank_pattern", "alpha_pattern"):
        yield from _object(settings.get(key))


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _finding(severity: Severity, file: str, message: str, setting: str = "") -> FileFinding:
    evidence = {"setting": setting} if setting else {}
    return _RULE.finding(
        severity, file, "The model's files do not fit together", message, **evidence
    )
