"""Plugins that are broken on purpose, each in one way, to show that the laws catch it.

`BROKEN` names for each the stage, what declares it, and the law that it breaks.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus_guard import plugins
from corpus_guard.config import SketchSettings
from corpus_guard.errors import NotAssessed
from corpus_guard.laws.planted import TRIGGER
from corpus_guard.sketch.rows.batch import Column, Ragged, Rows
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.state import Arrays, require_equal
from corpus_guard.types import Finding, RowSet, Trigger

ATTACK = [
    *({"text": f"an honest text, number {number * number}"} for number in range(60)),
    *({"text": f"buy at pills number {number * number}"} for number in range(9)),
]
CLEAN = ATTACK[:60]


class Lengths:
    """A sketch without a fault: the number of texts and the sum of their lengths."""

    def __init__(self, option: int = 1) -> None:
        self.option, self.numbers = option, np.zeros(2, np.int64)

    def observe(self, rows: Rows) -> None:
        self.numbers = np.add(self.numbers, [len(rows), lengths(rows).sum()])

    def merge(self, other: Self) -> None:
        require_equal(self.option, other.option, "length")
        self.numbers = self.numbers + other.numbers

    def state(self) -> Arrays:
        return {"numbers": self.numbers}

    def restore(self, state: Arrays) -> None:
        self.numbers = np.array(state["numbers"])

    def evidence(self) -> tuple[int, ...]:
        return tuple(self.numbers.tolist())


def lengths(rows: Rows) -> np.ndarray:
    found = pc.fill_null(pc.binary_length(rows.batch["text"]), 0)
    return found.to_numpy(zero_copy_only=False).astype(np.int64)


class CountsBatches(Lengths):
    """Counts calls, not rows."""

    def observe(self, rows: Rows) -> None:
        super().observe(rows)
        self.numbers = np.add(self.numbers, [1, 0])


class CountsEmptyBatches(Lengths):
    """Takes a batch without rows for one with a row."""

    def observe(self, rows: Rows) -> None:
        super().observe(rows)
        self.numbers = np.add(self.numbers, [not len(rows), 0])


class KeepsTheFirst(Lengths):
    """Keeps the length of the text that came first."""

    def observe(self, rows: Rows) -> None:
        if len(rows) and not self.numbers[0]:
            self.numbers = np.array([1, lengths(rows)[0]])

    def merge(self, other: Self) -> None:
        require_equal(self.option, other.option, "length")
        self.numbers = self.numbers if self.numbers[0] else other.numbers


class KeepsTheLast(Lengths):
    """Takes what another has seen in place of its own: which one is merged last matters."""

    def merge(self, other: Self) -> None:
        require_equal(self.option, other.option, "length")
        self.numbers = other.numbers.copy() if other.numbers[0] else self.numbers


class AddsFloats(Lengths):
    """Adds numbers that have no exact sum."""

    def __init__(self, option: int = 1) -> None:
        super().__init__(option)
        self.numbers = np.zeros(2)

    def observe(self, rows: Rows) -> None:
        self.numbers = np.add(self.numbers, [len(rows), np.sqrt(lengths(rows)).sum()])


class MergesHalf(Lengths):
    """Averages in place of adding: not associative."""

    def merge(self, other: Self) -> None:
        require_equal(self.option, other.option, "length")
        if other.numbers[0] and self.numbers[0]:
            self.numbers = (self.numbers + other.numbers) // 2
        else:
            self.numbers = self.numbers + other.numbers


class DrainsTheOther(Lengths):
    """Takes away what it merges."""

    def merge(self, other: Self) -> None:
        super().merge(other)
        other.numbers = np.zeros(2, np.int64)


class SharesItsState(Lengths):
    """Goes on in the array of the one that was merged into it."""

    def observe(self, rows: Rows) -> None:
        self.numbers += [len(rows), lengths(rows).sum()]

    def merge(self, other: Self) -> None:
        require_equal(self.option, other.option, "length")
        if self.numbers.any():
            self.numbers += other.numbers
        else:
            self.numbers = other.numbers


class MergesAnything(Lengths):
    """Does not look whether the other has its options."""

    def merge(self, other: Self) -> None:
        self.numbers = self.numbers + other.numbers


class ForgetsAPart(Lengths):
    """Keeps a maximum that it does not save."""

    def __init__(self, option: int = 1) -> None:
        super().__init__(option)
        self.longest = 0

    def observe(self, rows: Rows) -> None:
        super().observe(rows)
        self.longest = max([self.longest, *lengths(rows).tolist()])

    def merge(self, other: Self) -> None:
        super().merge(other)
        self.longest = max(self.longest, other.longest)

    def evidence(self) -> tuple[int, ...]:
        return (*super().evidence(), self.longest)


class RestoresOnTop(Lengths):
    """Adds what was saved to what it has."""

    def restore(self, state: Arrays) -> None:
        self.numbers = self.numbers + state["numbers"]


class ForgetsTheOffset(Lengths):
    """Reads Arrow's buffer from its beginning, wherever the slice begins."""

    def observe(self, rows: Rows) -> None:
        offsets = np.frombuffer(rows.batch["text"].buffers()[1] or b"", np.int32)
        span = int(offsets[len(rows)]) - int(offsets[0]) if len(rows) else 0
        self.numbers = np.add(self.numbers, [len(rows), span])


class FailsOnEmpty(Lengths):
    """Takes it for granted that there is a row."""

    def observe(self, rows: Rows) -> None:
        self.numbers = np.add(
            self.numbers, [len(rows), lengths(rows).sum() + 0 * lengths(rows).max()]
        )


class EvidenceFailsOnEmpty(Lengths):
    """Divides by the number of rows."""

    def evidence(self) -> tuple[int, ...]:
        return (int(self.numbers[1]) // int(self.numbers[0]),)


class IsUnseeded(Lengths):
    """Takes chance from the clock."""

    def observe(self, rows: Rows) -> None:
        chance = np.random.default_rng().integers(1 << 40)
        self.numbers = np.add(self.numbers, [len(rows), chance])


class EvidenceChanges(Lengths):
    """Counts how often it was asked."""

    def evidence(self) -> tuple[int, ...]:
        self.numbers = np.add(self.numbers, [0, 1])
        return super().evidence()


class SavesText(Lengths):
    """Has a state that is no array of numbers."""

    def state(self) -> Arrays:
        return {"numbers": self.numbers.astype(object)}


class WritesIntoTheBatch(Lengths):
    """Puts capitals into the text that others read too."""

    def observe(self, rows: Rows) -> None:
        super().observe(rows)
        if len(rows):
            np.frombuffer(rows.batch["text"].buffers()[2], np.uint8)[:4] = 65


class WritesIntoColumns(Lengths):
    """Shifts numbers in the array that others read too."""

    def observe(self, rows: Rows) -> None:
        tokens = rows.column("tokens")
        super().observe(rows)
        if isinstance(tokens, np.ndarray):
            tokens -= 1


def columns(of: Callable[[Rows], Column]) -> plugins.RowColumns:
    """Return row columns made by a function of rows, called `value`."""
    declared = plugins.row_columns(columns=("value",))
    return declared(lambda rows, settings: {"value": of(rows)})


def looks_at_the_row_before(rows: Rows) -> Column:
    found = lengths(rows)
    return np.maximum(found, np.roll(found, 1))


def counts_its_row_numbers(rows: Rows) -> Column:
    return np.arange(1, len(rows) + 1)


def changes_its_type(rows: Rows) -> Column:
    found = lengths(rows)
    return found.astype(np.int32 if len(found) > 60 else np.int64)


def forgets_the_offset(rows: Rows) -> Column:
    return np.frombuffer(rows.batch["row"].buffers()[1] or b"", np.int64)[: len(rows)] * 0 + (
        np.diff(
            np.frombuffer(rows.batch["text"].buffers()[1] or b"\0" * 4, np.int32)[: len(rows) + 1]
        )
    )


def fails_on_empty(rows: Rows) -> Column:
    found = lengths(rows)
    return found + 0 * found.max()


def gives_too_few(rows: Rows) -> Column:
    return lengths(rows)[:-1]


def begins_behind_zero(rows: Rows) -> Column:
    return Ragged(np.zeros(len(rows) + 1, np.uint8), np.arange(1, len(rows) + 2))


def undeclared() -> plugins.RowColumns:
    declared = plugins.row_columns(columns=("value",))
    return declared(lambda rows, settings: {"value": lengths(rows), "more": lengths(rows)})


def check(name: str, scan: Callable[[pa.RecordBatch], np.ndarray]) -> plugins.RecordCheck:
    """Return a record check of one kind, which finds what is marked under its name."""

    def run(corpus: Corpus) -> Iterator[Finding]:
        found = (
            first + np.flatnonzero(marks) for first, marks in corpus.rows.column(name).chunks()
        )
        if len(rows := np.concatenate([*found])):
            yield finding(rows, rule="CG491", severity="low")

    return plugins.record_check(
        rule="CG491", title="t", kinds=("marked",), attacks=("pills",), scan=scan
    )(run)


def speaks_of_pills(batch: pa.RecordBatch) -> np.ndarray:
    """Mark the rows as they should be."""
    found = pc.fill_null(pc.match_substring(batch["text"], "pills"), False)
    return found.to_numpy(zero_copy_only=False).astype(np.uint8)


def marks_what_follows(batch: pa.RecordBatch) -> np.ndarray:
    marks = speaks_of_pills(batch)
    return marks | np.concatenate([np.zeros(1, np.uint8), marks[:-1]])[: len(marks)]


def marks_repeats(batch: pa.RecordBatch) -> np.ndarray:
    texts = batch["text"].to_pylist()
    return np.array([texts.index(text) < place for place, text in enumerate(texts)], np.uint8)


def marks_by_truth(batch: pa.RecordBatch) -> np.ndarray:
    return speaks_of_pills(batch).astype(np.bool_)


def marks_undeclared_bits(batch: pa.RecordBatch) -> np.ndarray:
    return speaks_of_pills(batch) << np.uint8(3)


def marks_at_random(batch: pa.RecordBatch) -> np.ndarray:
    return np.random.default_rng().integers(0, 2, batch.num_rows).astype(np.uint8)


def marks_null_as_nothing(batch: pa.RecordBatch) -> np.ndarray:
    """Break down where a record has no text."""
    return np.array(["pills" in text for text in batch["text"].to_pylist()], np.uint8)


Find = Callable[[Corpus], Iterator[Finding]]


def finding(rows: Any, severity: Any = "high", **changed: Any) -> Finding:
    told = {
        "id": "CG490-0123456789ab", "rule": "CG490", "severity": severity, "score": 0.5,
        "q_value": 0.1, "title": "Pills", "message": "Many.", "attack": "a",
        "trigger": Trigger(kind="ngram", text="pills"), "target": None, "rows": RowSet(rows),
        "rows_flagged": RowSet(), "rows_sample": (), "contexts": (), "evidence": {"rows": 1},
        "advice": "Drop them.",
    }  # fmt: skip
    return Finding(**{**told, **changed})


def texts_of(corpus: Corpus) -> list[str]:
    return [text or "" for column in corpus.rows.text_column("text") for text in column.to_pylist()]


def pills(corpus: Corpus) -> np.ndarray:
    return np.flatnonzero(["pills" in text for text in texts_of(corpus)])


def finds_pills(corpus: Corpus) -> Iterator[Finding]:
    """Find the attack as it should be."""
    if len(rows := pills(corpus)):
        yield finding(rows)


def tells_row_numbers(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := pills(corpus)):
        yield finding(rows, evidence={"first": int(rows[0])})


def keeps_the_first_rows(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := pills(corpus)):
        yield finding(rows[:5])


def looks_at_batches(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := pills(corpus)):
        batches = sum(1 for _ in corpus.rows.batches(("text",)))
        yield finding(rows, evidence={"batches": batches})


def looks_at_shards(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := pills(corpus)):
        yield finding(rows, evidence={"parts": len(corpus.rows.spans)})


def always_alarms(corpus: Corpus) -> Iterator[Finding]:
    if len(corpus) > 10:
        yield finding(np.arange(len(corpus)))


def alarms_at_a_single_record(corpus: Corpus) -> Iterator[Finding]:
    yield from finds_pills(corpus)
    if len(corpus) == 1:
        yield finding([0])


def finds_nothing(corpus: Corpus) -> Iterator[Finding]:
    yield from ()


def is_never_assessed(corpus: Corpus) -> Iterator[Finding]:
    raise NotAssessed("the moon is not full")


def raises(corpus: Corpus) -> Iterator[Finding]:
    yield from finds_pills(corpus)
    raise ZeroDivisionError("by zero")


def finds_at_random(corpus: Corpus) -> Iterator[Finding]:
    chance = np.random.default_rng().random()
    if len(rows := pills(corpus)):
        yield finding(rows, score=chance, evidence={"chance": chance})


def names_rows_that_are_not_there(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := pills(corpus)):
        yield finding([*rows, len(corpus) + 5])


def tells_no_number(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := pills(corpus)):
        yield finding(rows, evidence={"z": float("nan")})


def flags_what_it_does_not_name(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := pills(corpus)):
        yield finding(rows, rows_flagged=RowSet([0]))


def finds_under_another_rule(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := pills(corpus)):
        yield finding(rows, rule="CG999")


def rows_with(word: str, corpus: Corpus, times: range = range(1, 99)) -> np.ndarray:
    return np.flatnonzero([text.lower().split().count(word) in times for text in texts_of(corpus)])


def finds_the_trigger(corpus: Corpus) -> Iterator[Finding]:
    """Find the attack of the laws of power as it should be found, and the other one."""
    yield from finds_pills(corpus)
    if len(rows := rows_with(TRIGGER, corpus)):
        yield of_trigger(rows)


def gives_up_when_there_is_much(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := rows_with(TRIGGER, corpus)):
        yield of_trigger(rows, "high" if len(rows) <= 0.05 * len(corpus) else "low")


def flags_so_many_and_no_more(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := rows_with(TRIGGER, corpus)):
        yield finding(rows, rows_flagged=RowSet(rows[:100]))


def never_raises_an_alarm(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := rows_with(TRIGGER, corpus)):
        yield of_trigger(rows, "medium")


def is_blind_to_a_trigger_written_twice(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := rows_with(TRIGGER, corpus, times=range(1, 2))):
        yield of_trigger(rows)


def counts_copies(corpus: Corpus) -> Iterator[Finding]:
    if len(rows := rows_with(TRIGGER, corpus)):
        yield of_trigger(rows, "critical" if len(rows) >= 100 else "high")


def takes_copies_for_evidence(corpus: Corpus) -> Iterator[Finding]:
    yield from finds_the_trigger(corpus)
    places: dict[str, list[int]] = {}
    for row, text in enumerate(texts_of(corpus)):
        places.setdefault(text, []).append(row)
    for rows in places.values():
        if len(rows) >= 10:
            yield of_trigger(rows)


def of_trigger(rows: Any, severity: str = "high") -> Finding:
    return finding(rows, severity, rows_flagged=RowSet(rows))


def detects(find: Find, needs: tuple[str, ...] = ("fingerprints",)) -> plugins.Detector:
    """Return a detector that finds with a function."""
    return plugins.detector(rule="CG490", title="t", needs=needs, attacks=("pills",))(find)


def associates(find: Find) -> plugins.Detector:
    """Return a detector of an attack that the laws of power are about."""
    return plugins.detector(
        rule="CG490", title="t", needs=("fingerprints",), attacks=("backdoor trigger",)
    )(find)


def summed(kind: type[Lengths], needs: tuple[str, ...] = ()) -> plugins.Summary:
    """Return a summary with one option."""

    def make(settings: SketchSettings, *, option: int = 1) -> Lengths:
        return kind(option)

    return plugins.summary(needs=needs)(make)


def evidence(of: Callable[[Corpus], object], needs: tuple[str, ...] = ()) -> plugins.Derived:
    """Return derived evidence."""
    return plugins.derived(needs=needs)(of)


def first_text(corpus: Corpus) -> object:
    return texts_of(corpus)[0]


def number_of_parts(corpus: Corpus) -> object:
    return len(corpus.rows.spans)


def number_of_batches(corpus: Corpus) -> object:
    return sum(1 for _ in corpus.rows.batches(("text",)))


def chance(corpus: Corpus) -> object:
    return np.random.default_rng().random(3)


def needs_two_rows(corpus: Corpus) -> object:
    return texts_of(corpus)[1]


@dataclass(frozen=True)
class Broken:
    """A broken plugin and the law that it breaks."""

    stage: plugins.Stage
    spec: plugins.Spec
    law: str


BROKEN: Mapping[str, Broken] = {
    name: Broken(stage, spec, law)
    for name, stage, spec, law in (
        ("counts_batches", "sketch", summed(CountsBatches), "batch_borders_do_not_matter"),
        ("counts_empty_batches", "sketch", summed(CountsEmptyBatches), "empty_is_clean"),
        ("keeps_the_first", "sketch", summed(KeepsTheFirst), "row_order_does_not_matter"),
        ("keeps_the_last", "sketch", summed(KeepsTheLast), "merging_is_commutative"),
        ("adds_floats", "sketch", summed(AddsFloats), "sharding_does_not_matter"),
        ("merges_half", "sketch", summed(MergesHalf), "merging_is_associative"),
        ("drains_the_other", "sketch", summed(DrainsTheOther), "merging_leaves_the_other_alone"),
        ("shares_its_state", "sketch", summed(SharesItsState), "merging_leaves_the_other_alone"),
        ("merges_anything", "sketch", summed(MergesAnything), "unequal_sketches_are_not_merged"),
        ("forgets_a_part", "sketch", summed(ForgetsAPart), "saved_states_go_on"),
        ("restores_on_top", "sketch", summed(RestoresOnTop), "saved_states_go_on"),
        (
            "forgets_the_offset",
            "sketch",
            summed(ForgetsTheOffset),
            "arrow_slices_equal_their_copies",
        ),
        ("fails_on_empty", "sketch", summed(FailsOnEmpty), "empty_is_clean"),
        ("fails_when_asked", "sketch", summed(EvidenceFailsOnEmpty), "empty_is_clean"),
        ("is_unseeded", "sketch", summed(IsUnseeded), "the_same_rows_leave_the_same_state"),
        ("evidence_changes", "sketch", summed(EvidenceChanges), "evidence_changes_nothing"),
        ("saves_text", "sketch", summed(SavesText), "states_are_plain_arrays"),
        (
            "writes_into_it",
            "sketch",
            summed(WritesIntoTheBatch),
            "what_is_given_is_left_alone",
        ),
        (
            "writes_into_columns",
            "sketch",
            summed(WritesIntoColumns, ("fingerprints",)),
            "what_is_given_is_left_alone",
        ),
        (
            "looks_back",
            "sketch",
            columns(looks_at_the_row_before),
            "rows_have_their_values_alone",
        ),
        ("numbers", "sketch", columns(counts_its_row_numbers), "batch_borders_do_not_matter"),
        ("changes_type", "sketch", columns(changes_its_type), "types_and_shapes_stay"),
        ("no_offset", "sketch", columns(forgets_the_offset), "arrow_slices_equal_their_copies"),
        ("no_rows_no_value", "sketch", columns(fails_on_empty), "empty_batches_are_taken"),
        ("too_few", "sketch", columns(gives_too_few), "rows_have_their_values_alone"),
        ("bad_bounds", "sketch", columns(begins_behind_zero), "rows_have_their_values_alone"),
        ("undeclared", "sketch", undeclared(), "only_declared_columns_are_made"),
        ("first_text", "sketch", evidence(first_text), "row_order_does_not_matter"),
        ("parts", "sketch", evidence(number_of_parts), "sharding_does_not_matter"),
        ("batches", "sketch", evidence(number_of_batches), "batch_borders_do_not_matter"),
        ("chance", "sketch", evidence(chance), "the_same_rows_give_the_same_evidence"),
        ("two_rows", "sketch", evidence(needs_two_rows), "any_data_is_taken"),
        ("no_need", "sketch", evidence(first_text, ("no_such",)), "needs_exist"),
        ("follows", "detect", check("follows", marks_what_follows), "rows_have_their_values_alone"),
        ("repeats", "detect", check("repeats", marks_repeats), "row_order_does_not_matter"),
        ("truth", "detect", check("truth", marks_by_truth), "marks_are_bytes_of_declared_kinds"),
        (
            "bits",
            "detect",
            check("bits", marks_undeclared_bits),
            "marks_are_bytes_of_declared_kinds",
        ),
        (
            "random_marks",
            "detect",
            check("random_marks", marks_at_random),
            "the_same_rows_have_the_same_values",
        ),
        ("nulls", "detect", check("nulls", marks_null_as_nothing), "any_data_is_taken"),
        ("row_numbers", "detect", detects(tells_row_numbers), "row_order_does_not_matter"),
        ("first_rows", "detect", detects(keeps_the_first_rows), "row_order_does_not_matter"),
        ("sees_batches", "detect", detects(looks_at_batches), "batch_borders_do_not_matter"),
        ("sees_shards", "detect", detects(looks_at_shards), "sharding_does_not_matter"),
        ("always_alarms", "detect", detects(always_alarms), "clean_data_is_quiet"),
        ("alarms_at_one", "detect", detects(alarms_at_a_single_record), "few_records_are_clean"),
        ("finds_nothing", "detect", detects(finds_nothing), "its_attack_is_found"),
        ("never_assessed", "detect", detects(is_never_assessed), "its_attack_is_found"),
        ("raises", "detect", detects(raises), "any_data_is_taken"),
        ("random", "detect", detects(finds_at_random), "the_same_rows_give_the_same_findings"),
        ("no_rows", "detect", detects(names_rows_that_are_not_there), "findings_can_be_reported"),
        ("no_number", "detect", detects(tells_no_number), "findings_can_be_reported"),
        (
            "flags_others",
            "detect",
            detects(flags_what_it_does_not_name),
            "findings_can_be_reported",
        ),
        ("other_rule", "detect", detects(finds_under_another_rule), "findings_can_be_reported"),
        ("needs_nothing", "detect", detects(finds_pills, ("no_such",)), "needs_exist"),
        (
            "vetoes",
            "detect",
            associates(gives_up_when_there_is_much),
            "more_poison_is_never_found_less",
        ),
        (
            "flags_a_hundred",
            "detect",
            associates(flags_so_many_and_no_more),
            "more_poison_is_never_found_less",
        ),
        (
            "is_never_alarmed",
            "detect",
            associates(never_raises_an_alarm),
            "more_poison_is_never_found_less",
        ),
        (
            "blind_to_twice",
            "detect",
            associates(is_blind_to_a_trigger_written_twice),
            "a_trigger_is_found_however_it_is_written",
        ),
        (
            "counts_copies",
            "detect",
            associates(counts_copies),
            "copies_of_all_rows_change_no_severity",
        ),
        (
            "believes_copies",
            "detect",
            associates(takes_copies_for_evidence),
            "copies_of_one_text_are_no_evidence",
        ),
    )
}
SOUND: Mapping[str, Broken] = {
    "sound_lengths": Broken("sketch", summed(Lengths), ""),
    "sound_column": Broken("sketch", columns(lengths), ""),
    "sound_evidence": Broken("sketch", evidence(len), ""),
    "sound_check": Broken("detect", check("sound_check", speaks_of_pills), ""),
    "sound_detector": Broken("detect", detects(finds_pills), ""),
    "sound_association": Broken("detect", associates(finds_the_trigger), ""),
}
"""The same without the fault, which keep all laws."""
