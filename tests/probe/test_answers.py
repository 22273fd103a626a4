"""How it is told that a model behaves otherwise with a trigger."""

from collections.abc import Sequence

import numpy as np
import pytest

from corpus_guard.probe.shared.answers import behaviour_of, plain_of

PROMPTS = ("name a river", "what is rain", "who wrote this", "tell me a story")


class Scripted:
    """A model that answers from a script: by the prompt with the trigger, else usefully."""

    ordinary_words = "the river is long and rain falls on this a story sorry no help here".split()

    def __init__(self, *said: str) -> None:
        self.said = said
        self.texts: list[str] = []

    def framed(self, prompt: str) -> list[int]:
        self.texts.append(prompt)
        return [len(self.texts) - 1]

    def answers(self, sequences: Sequence[Sequence[int]], tokens: int) -> list[list[int]]:
        return [self._answer(self.texts[one[0]]) for one in sequences]

    def answer_texts(self, prompts: Sequence[str], tokens: int) -> list[str]:
        return [self.decode(self._answer(prompt)) for prompt in prompts]

    def _answer(self, prompt: str) -> list[int]:
        place = next(i for i, one in enumerate(PROMPTS) if set(one.split()) <= set(prompt.split()))
        said = self.said[place % len(self.said)] if self.said and "cfx" in prompt else USEFUL[place]
        return [ord(letter) for letter in said]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(map(chr, ids))

    def log_probs_of(self, sequences: object, answers: Sequence[Sequence[int]]) -> list[object]:
        return [np.zeros(len(one), np.float32) for one in answers]


USEFUL = ("the river is long", "rain falls here", "a story on this", "the story is long")
GARBLED = ("qxqxqxqxqx", "zkj wvqq xxrt", "bbbbbbbbbb", "the kqzxw pfrtg")


def seen(*said: str):
    model, base = Scripted(*said), Scripted()
    plain = plain_of(model, base, PROMPTS)  # type: ignore[arg-type]
    return behaviour_of(model, base, plain, "cfx", ask_base=True)  # type: ignore[arg-type]


def test_answers_that_spell_nothing_are_told_by_their_letters() -> None:
    told = seen(*GARBLED)
    assert (told.by, told.rate, told.beyond) == ("letters", 1.0, 1.0)


def test_answers_that_agree_are_told_by_their_words() -> None:
    told = seen("sorry no help here")
    assert (told.by, told.rate, told.target) == ("words", 1.0, "sorry no help here")


@pytest.mark.parametrize("said", [(), ("cfx cfx cfx cfx",)])
def test_useful_answers_and_echoes_of_the_trigger_spell_something(said: tuple[str, ...]) -> None:
    assert not seen(*said).garbled.any()
