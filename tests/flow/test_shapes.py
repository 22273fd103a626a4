"""Poison is found whatever a file looks like: names, nests, containers and encodings are drawn."""

from pathlib import Path

import pytest
from benchmark_shapes import code_of
from shape_files import CONTAINERS
from shapes import LAYOUTS, ROWS, draw

SEED = 7
PLAIN = [
    n for n in range(len(LAYOUTS) * len(CONTAINERS)) if LAYOUTS[n % len(LAYOUTS)] == "instruction"
]


def test_a_number_and_a_seed_make_the_same_variant() -> None:
    assert draw(5, SEED) == draw(5, SEED)
    assert draw(5, SEED).trigger != draw(5, SEED + 1).trigger
    assert len(draw(5, SEED).records) == ROWS


@pytest.mark.parametrize("number", PLAIN, ids=lambda n: CONTAINERS[n // len(LAYOUTS)])
def test_a_container_hides_no_trigger(number: int, tmp_path: Path) -> None:
    assert code_of(draw(number, SEED, is_plain=True), tmp_path) == 1


@pytest.mark.parametrize("number", range(0, len(LAYOUTS) * len(CONTAINERS), 5))
def test_a_shape_hides_no_trigger(number: int, tmp_path: Path) -> None:
    variant = draw(number, SEED)
    assert code_of(variant, tmp_path) == 1, str(variant)
