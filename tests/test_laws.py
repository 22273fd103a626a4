"""Every built-in plugin keeps the laws that third parties are held to."""

import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from corpus_guard import laws, plugins
from corpus_guard.errors import PluginError
from corpus_guard.laws.comparing import differences, opaque
from corpus_guard.sketch.document_frequencies import DocumentFrequencies
from corpus_guard.sketch.kernels.ngrams import MOST_COUNTED, feature_of
from corpus_guard.sketch.kernels.tokens import hash_token
from corpus_guard.sketch.rows.batch import Rows
from corpus_guard.sketch.rows.ngram_looks import (
    FrequentNgrams,
    NgramSums,
    Postings,
    SampledPostings,
)
from corpus_guard.sketch.rows.state import Sketch
from corpus_guard.sketch.rows.store import Shared

WORDS = "the a my in was".split()
FEATURES = np.sort(
    np.array([feature_of(np.array([hash_token(word)], np.uint64)) for word in WORDS], np.uint64)
)
FOLDER = TemporaryDirectory()
"""What looks share lies here as long as the tests run."""


def of_every(stage: plugins.Stage) -> list[laws.Law]:
    return [law for name in plugins.names(stage) for law in laws.laws_of(stage, name)]


@pytest.mark.parametrize("law", of_every("sketch"), ids=str)
def test_every_sketch_keeps_the_laws(law: laws.Law) -> None:
    law.check()


@pytest.mark.parametrize("law", of_every("detect"), ids=str)
def test_every_detector_keeps_the_laws(law: laws.Law) -> None:
    law.check()


@dataclass(frozen=True)
class RowNumbers:
    """Two numbers that depend on a row's number, or `width` ones."""

    width: int = 2
    step: int = 7

    def __call__(self, rows: Rows) -> np.ndarray:
        numbers = np.arange(rows.first_row, rows.first_row + len(rows), dtype=np.int64)
        return np.stack(
            [numbers % (self.step + place) - 3 for place in range(self.width)], 1
        ).astype(np.int16)


def shared(name: str, array: np.ndarray) -> Shared:
    path = Path(FOLDER.name) / f"{name}.npy"
    np.save(path, array)
    return Shared(path)


LOOSE = shared("loose", np.full((2, 1 << 10), MOST_COUNTED, np.uint16))
OTHER = shared("other", np.full((2, 1 << 10), MOST_COUNTED - 1, np.uint16))


def frequent(bounds: Shared = LOOSE, min_count: int = 3, most: int = 10**6) -> Sketch:
    return FrequentNgrams(bounds=bounds, min_count=min_count, most=most)


def sums(features: np.ndarray = FEATURES, values: RowNumbers = RowNumbers()) -> Sketch:
    return NgramSums(features=features, values=values)


def places(features: np.ndarray = FEATURES) -> Sketch:
    return Postings(features=features)


def some_places(features: np.ndarray = FEATURES, most: int = 3) -> Sketch:
    return SampledPostings(features=features, most=most)


def counts(bits: int = 12, most_exact: int = 300) -> Sketch:
    return DocumentFrequencies(bits=bits, most_exact=most_exact)


UNEQUAL_FREQUENT = (
    ("bounds", partial(frequent, bounds=OTHER)),
    ("least count", partial(frequent, min_count=4)),
    ("capacity", partial(frequent, most=10)),
)
LOOKS = {
    "FrequentNgrams": (frequent, UNEQUAL_FREQUENT),
    "FrequentNgrams thinned": (partial(frequent, most=100), ()),
    "NgramSums": (
        sums,
        (
            ("width of values", partial(sums, values=RowNumbers(width=3))),
            ("values", partial(sums, values=RowNumbers(step=5))),
            ("n-grams", partial(sums, features=FEATURES[1:])),
            ("order of n-grams", partial(sums, features=FEATURES[::-1].copy())),
        ),
    ),
    "Postings": (
        places,
        (
            ("n-grams", partial(places, features=FEATURES[1:])),
            ("order of n-grams", partial(places, features=FEATURES[::-1].copy())),
        ),
    ),
    "SampledPostings": (
        some_places,
        (
            ("n-grams", partial(some_places, features=FEATURES[1:])),
            ("number", partial(some_places, most=4)),
        ),
    ),
    "DocumentFrequencies bounded": (counts, (("width", partial(counts, bits=13)),)),
    "DocumentFrequencies on the border": (partial(counts, most_exact=2500), ()),
}


def of_every_look() -> list[laws.Law]:
    return [
        law
        for name, (make, unequal) in LOOKS.items()
        for law in laws.laws_of_look(name, make, needs=("tested_tokens",), unequal=unequal)
    ]


@pytest.mark.parametrize("law", of_every_look(), ids=str)
def test_every_second_look_keeps_the_laws(law: laws.Law) -> None:
    law.check()


def test_the_looks_see_what_they_are_made_for() -> None:
    """Laws over sketches that found nothing would say nothing."""
    from corpus_guard.config import SketchSettings
    from corpus_guard.laws.batches import rows_of, sample_batch

    rows = rows_of(sample_batch(), ("tested_tokens",), SketchSettings())
    for name, (make, _) in LOOKS.items():
        sketch = make()
        sketch.observe(rows)
        assert any(array.any() for array in sketch.state().values()), name
    thinned, _ = LOOKS["FrequentNgrams thinned"]
    sketch = thinned()
    sketch.observe(rows)
    assert sketch.state()["level"][0] > 0


def test_an_unknown_plugin_is_named() -> None:
    with pytest.raises(PluginError, match="did you mean 'hidden_html'"):
        laws.laws_of("detect", "hiden_html")


def test_what_cannot_be_compared_is_told_and_not_passed() -> None:
    borders = next(law for law in laws.laws_of("sketch", "units") if "borders" in law.name)
    with pytest.raises(laws.NotComparable, match="RowTable"):
        borders.check()


def test_records_that_hold_no_attack_break_a_law_of_the_detector() -> None:
    found = laws.laws_of("detect", "instruction_override", attack=[{"text": "a plain text"}])
    law = next(law for law in found if law.name == "its_attack_is_found")
    with pytest.raises(laws.LawBroken, match="nothing is found in the samples of your attack"):
        law.check()


def test_options_reach_the_plugin() -> None:
    found = laws.laws_of("detect", "exact_duplicates", options={"fewest_rows": 99})
    law = next(law for law in found if law.name == "its_attack_is_found")
    with pytest.raises(laws.LawBroken, match="nothing is found in the samples of duplication"):
        law.check()


def test_importing_the_laws_costs_nothing() -> None:
    code = "import sys, corpus_guard.laws; print('numpy' in sys.modules, 'pyarrow' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "False"]


@dataclass(frozen=True)
class Evidence:
    numbers: np.ndarray
    share: float = 0.5
    inner: object = None


ONE = Evidence(np.array([1, 2]))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Evidence(np.array([1, 3])), "it.numbers differs: int64 (2,) [1, 2] and int64 (2,) [1, 3]"),
        (Evidence(np.array([1, 2], np.int32)), "it.numbers differs: int64 (2,) [1, 2] and int32"),
        (Evidence(np.array([[1, 2]])), "it.numbers differs: int64 (2,) [1, 2] and int64 (1, 2)"),
        (Evidence(np.array([1, 2]), share=0.5 + 1e-15), "it.share is 0.5 and 0.500000000000001"),
        (Evidence(np.array([1, 2]), inner=[]), "it.inner is None and []"),
        ({"numbers": 1}, "it is Evidence("),
    ],
)
def test_differences_say_where_and_what(other: object, told: str) -> None:
    assert next(differences(ONE, other)).startswith(told)


@pytest.mark.parametrize(
    "value", [ONE, float("nan"), np.array([np.nan]), {"a": [1, (2, "b")]}, None, b"", {1, 2}]
)
def test_a_value_does_not_differ_from_itself(value: object) -> None:
    assert list(differences(value, value)) == []
    assert list(opaque(value)) == []


def test_a_part_of_no_known_kind_is_opaque() -> None:
    assert list(opaque({"a": [1, object()]})) == ["it['a'][1], a object"]
