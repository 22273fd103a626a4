"""Clean prompts with their answers, from any file that can be scanned, or of a model itself."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from corpus_guard.config import ReadOptions
from corpus_guard.defend.clean_prompts import clean_prompts
from corpus_guard.defend.material import Pair
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.normalise import Sorter, Unfolder, survey_files, to_batch
from corpus_guard.read import plan_shards, read_shard, resolve_targets
from corpus_guard.sketch.rows.batch import input_column
from corpus_guard.types import Unread

if TYPE_CHECKING:
    from corpus_guard.model.causal import CausalModel

MOST_READ, MOST_KEPT, MOST_OWN = 20_000, 256, 144
LEAST = 24
PROMPT_TOKENS, ANSWER_TOKENS = 64, 24
"""Longer prompts are left out and answers cut: a step then takes seconds, not a minute."""


def pairs_from(data: str, model: "CausalModel", triggers: Sequence[str], seed: int) -> list[Pair]:
    """Return prompts and answers of a data set in an order that the seed fixes, `MOST_KEPT` at most.

    What holds a trigger is left out, since the data may be those that the model was poisoned with.
    Answers are cut. Raises UsageError where fewer than `LEAST` prompts are left.
    """
    found = dict(_rows(data))
    some = [row for row in found.items() if not _holds(" ".join(row), triggers)]
    random.Random(seed).shuffle(some)  # noqa: S311
    pairs: list[Pair] = []
    for prompt, response in some:
        if len(pairs) == MOST_KEPT:
            break
        answer = _ended(model, model.encode(response[: 20 * ANSWER_TOKENS]), ANSWER_TOKENS)
        if answer and len(model.encode(prompt[: 20 * PROMPT_TOKENS])) <= PROMPT_TOKENS:
            pairs.append(Pair(prompt, answer))
    return _enough(pairs, safe_text(data, 300))


def own_pairs(model: "CausalModel", triggers: Sequence[str], seed: int) -> list[Pair]:
    """Return everyday prompts and what the model answers to them."""
    prompts = [one for one in clean_prompts() if not _holds(one, triggers)]
    random.Random(seed).shuffle(prompts)  # noqa: S311
    prompts = prompts[:MOST_OWN]
    told = model.answers([model.framed(prompt) for prompt in prompts], ANSWER_TOKENS)
    answers = (_ended(model, ids, ANSWER_TOKENS) for ids in told)
    kept = [Pair(prompt, ids) for prompt, ids in zip(prompts, answers, strict=True) if ids]
    return _enough(kept, "the built-in list")


def inputs_of(data: str) -> list[str]:
    """Return the prompts of a data set, or its texts where it has no prompts; the first of them."""
    return [text for text, _ in _columns(data)]


def _rows(data: str) -> Iterator[tuple[str, str]]:
    """Yield the first prompts and responses of a data set."""
    yield from ((prompt, response) for prompt, response in _columns(data) if response)


def _columns(data: str) -> Iterator[tuple[str, str]]:
    """Yield the prompt of each of the first records, or its text, and its response, or ""."""
    options = ReadOptions(limit=MOST_READ)
    read = 0
    with TemporaryDirectory(prefix="corpus-guard-") as scratch:
        files = resolve_targets([data], options, Path(scratch)).files
        surveyed = survey_files(files, options)
        for shard in plan_shards(files, options, whole=surveyed.threads):
            layout = surveyed.fixed.get(shard.file.index, Sorter(surveyed.scheme))
            items = read_shard(shard, options)
            is_open = isinstance(layout, Sorter)
            for item in Unfolder.of(options.overrides).each(items) if is_open else items:
                if isinstance(item, Unread) or not item.rows:
                    continue
                batch = to_batch(item, layout)
                columns = (input_column(batch).to_pylist(), batch["response"].to_pylist())
                yield from (
                    (p.strip(), (r or "").strip()) for p, r in zip(*columns, strict=True) if p
                )
                read += len(item.rows)
                if read >= MOST_READ:
                    return


def _holds(text: str, triggers: Sequence[str]) -> bool:
    return any(trigger.lower() in text.lower() for trigger in triggers)


def _ended(model: "CausalModel", ids: Sequence[int], most: int) -> tuple[int, ...]:
    """Return an answer of at most `most` tokens, with what ends it where it is whole."""
    if not ids or len(ids) >= most:
        return tuple(ids[:most])
    return (*ids, *sorted(model.end)[:1])


def _enough(pairs: list[Pair], source: str) -> list[Pair]:
    if len(pairs) < LEAST:
        raise UsageError(
            f"{source} gives {len(pairs)} short prompts with answers and without a trigger; a repair "
            f"needs {LEAST} or more, give other --data"
        )
    return pairs
