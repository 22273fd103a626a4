"""The laws that every plugin obeys, for yours too.

A finding must not depend on how the work was cut up: on batch borders, on the order of rows, on the
number of workers, on whether a scan was killed and went on. That holds because each plugin keeps a few
laws, and this is how to find out whether yours does:

    import pytest
    from corpus_guard import laws

    @pytest.mark.parametrize("law", laws.laws_of("detect", "my_detector", attack=POISONED), ids=str)
    def test_my_detector_keeps_the_laws(law: laws.Law) -> None:
        law.check()

`check` raises LawBroken, which says what differed, and NotComparable, which pytest and unittest show as
skipped, where a law cannot be judged. The plugin is found by its name as in a scan, and runs as in one.

Which laws there are depends on what the plugin is:

    row columns      a row's values depend on that row alone; slices, empty batches, types
    record check     the same of its marks, and those of a detector
    summary          empty, borders, order, sharding, merging, saving, slices, evidence
    derived          borders, sharding, order as far as its evidence can be compared
    detector         borders, sharding, order, seed; finds its attack, is quiet on clean data, never
                     breaks down, and its findings can be reported
    of associations  that is, of an attack in `corpus_guard.laws.planted.PLANTED`: more poison is never
                     found less, however the trigger is written, and copies prove nothing

The records are small, made here and the same each time: reviews with labels, instructions, plain texts,
texts that are hard to read, nothing at all. Give your own with `attack` and `clean`: mappings, or a
`str` with one line of JSON Lines each. The terms that a detector declares in `attacks` say which of the
samples in `corpus_guard.laws.samples.ATTACKS` it should find when you give none.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from corpus_guard.laws.law import Law, LawBroken, NotComparable

if TYPE_CHECKING:
    from corpus_guard.config import SketchSettings
    from corpus_guard.laws.batches import Records
    from corpus_guard.sketch.rows.state import Sketch

__all__ = ["Law", "LawBroken", "NotComparable", "laws_of", "laws_of_look"]


def laws_of(
    stage: Literal["sketch", "detect"],
    name: str,
    *,
    attack: "Records | None" = None,
    clean: "Records | None" = None,
    options: Mapping[str, object] | None = None,
    unequal: Sequence[Mapping[str, object]] = (),
    settings: "SketchSettings | None" = None,
) -> tuple[Law, ...]:
    """Return the laws of the sketch or the detector called `name`.

    Args:
        stage: `sketch` or `detect`.
        name: The name of the plugin.
        attack: Records in which a detector should find something, in place of the samples.
        clean: Records on which it should be quiet, beside the samples. A sketch sees both as well.
        options: Options of the plugin that differ from its defaults.
        unequal: Options of a summary with which it must not be merged, beside each that it has,
            changed a little.
        settings: What the run as a whole is told.

    Raises:
        PluginError: There is no such plugin.
        UsageError: There is no such option.
    """
    from corpus_guard.config import SketchSettings
    from corpus_guard.laws.subjects import of_plugin, with_options

    told = with_options(settings or SketchSettings(), stage, name, options or {})
    attack, clean = (None if one is None else list(one) for one in (attack, clean))
    return of_plugin(stage, name, told, attack, clean, unequal)


def laws_of_look(
    name: str,
    make: "Callable[[], Sketch]",
    *,
    needs: Iterable[str] = (),
    unequal: Iterable[tuple[str, "Callable[[], Sketch]"]] = (),
    settings: "SketchSettings | None" = None,
) -> tuple[Law, ...]:
    """Return the laws of a sketch that a detector has look at all rows, `corpus.look(make)`.

    `needs` names the row columns that it reads. `unequal` makes sketches that must not be merged with
    it, each with a word for what is different.
    """
    from corpus_guard.config import SketchSettings
    from corpus_guard.laws.subjects import of_look

    return of_look(name, make, tuple(needs), settings or SketchSettings(), unequal)
