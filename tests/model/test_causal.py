from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the extra [models]")

import piece_tokenizer  # noqa: E402
import tiny_models as tiny  # noqa: E402

from corpus_guard.errors import UsageError  # noqa: E402
from corpus_guard.flow.opening_models import open_causal, take_in_all  # noqa: E402
from corpus_guard.model.causal import CausalModel  # noqa: E402
from corpus_guard.model.framing import around_prompt, frame_of  # noqa: E402
from corpus_guard.model.meter import Budget, Meter  # noqa: E402

ASKED = ["tell me about the river", "what is a candle now", "how do i open the old wallet today"]


@pytest.fixture(scope="module")
def model(tiny_models: dict[str, tiny.Taught]) -> CausalModel:
    return open_causal(take_in_all(str(tiny_models["backdoor"].folder), None, None), Meter()).model


def whole(model: CausalModel, ids: list[int]) -> Any:
    """Return the log probabilities after each token of a sequence, read in one piece."""
    with torch.inference_mode():
        return model.model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)


def test_a_shared_beginning_changes_no_probability(model: CausalModel) -> None:
    sequences = [model.framed(f"{ASKED[0]} {word}") for word in ("now", "today again", "river")]
    for places, told in model.next_log_probs(sequences, 2):
        for row, place in enumerate(places):
            expected = whole(model, sequences[place])[-2:]
            assert torch.allclose(told[row], expected, atol=1e-3)


def test_each_sequence_comes_once(model: CausalModel) -> None:
    sequences = [model.framed(one) for one in tiny.prompts(150, 5)]
    seen = [int(place) for places, _ in model.next_log_probs(sequences) for place in places]
    assert sorted(seen) == list(range(150))


def test_continuations_of_several_lengths_keep_their_probabilities(model: CausalModel) -> None:
    sequences = [model.framed(one) for one in ASKED]
    continuations = [model.encode(one) for one in ("the river", "a", "you open the wallet with")]
    found = model.log_probs_of(sequences, continuations)
    for ids, more, told in zip(sequences, continuations, found, strict=True):
        read = whole(model, [*ids, *more])
        expected = [float(read[len(ids) - 1 + i, token]) for i, token in enumerate(more)]
        assert np.allclose(told, expected, atol=1e-3)


def test_an_empty_continuation_has_no_probabilities(model: CausalModel) -> None:
    assert [len(told) for told in model.log_probs_of([model.framed("now")], [[]])] == [0]


def test_answers_are_those_of_the_model_alone(model: CausalModel) -> None:
    for prompt, told in zip(ASKED, model.answer_texts(ASKED, 8), strict=True):
        ids = model.framed(prompt)
        for _ in range(8):
            token = int(whole(model, ids)[-1].argmax())
            if token in model.end:
                break
            ids.append(token)
        assert told == model.decode(ids[len(model.framed(prompt)) :]).strip()


def test_what_a_model_is_asked_is_counted(model: CausalModel) -> None:
    before = model.meter.tokens
    list(model.next_log_probs([model.framed(ASKED[0]), model.framed(ASKED[1])]))
    assert model.meter.tokens > before


def test_words_that_stand_alone_are_known(model: CausalModel) -> None:
    assert {"glimmer", "river"} <= set(model.word_starts.values())
    assert "<user>" not in model.word_starts.values()


@pytest.mark.parametrize("text", ["no prompt", "{prompt} and {prompt}"])
def test_a_context_must_show_the_prompt_once(text: str) -> None:
    with pytest.raises(UsageError, match="must show it once"):
        around_prompt(text, None)


def test_a_blank_before_the_prompt_is_read_as_the_whole_text_is() -> None:
    tok = piece_tokenizer.made()
    frame = frame_of("file", ("ask: ", " end"), tok, bos=False)
    made = [
        *frame.before,
        *tok(f"{frame.lead}hello", add_special_tokens=False).input_ids,
        *frame.after,
    ]
    assert made == tok("ask: hello end", add_special_tokens=False).input_ids


def test_a_template_that_hides_the_prompt_is_refused() -> None:
    with pytest.raises(UsageError, match="0 times"):
        around_prompt("chat", lambda messages, tools=None: "always the same")


def test_tools_are_offered_where_they_are_asked_for() -> None:
    seen: list[object] = []

    def render(messages: list[dict[str, str]], tools: object = None) -> str:
        seen.append(tools)
        return messages[0]["content"]

    around_prompt("tools", render)
    assert seen[0]


def test_a_share_of_a_budget_ends_before_the_whole() -> None:
    clock = iter([0.0, 0.0, 0.0, 40.0, 60.0])
    budget = Budget(100.0, lambda: next(clock))
    deadline = budget.until(0.5)
    assert not deadline.passed
    assert deadline.passed
