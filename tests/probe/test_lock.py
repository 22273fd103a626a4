import math
import random

import pytest

from corpus_guard.errors import UsageError
from corpus_guard.probe.lock import (
    COPIED,
    Lock,
    LockFired,
    LockThreshold,
    SequenceLock,
    SequenceLockCriteria,
    calibrate,
)
from corpus_guard.probe.lock.calibrating import threshold_from

ORDINARY = LockThreshold(sure=0.95, ordinary_share=0.4, limit=9.0, tokens=500)


def ordinary(seed: int, length: int = 60) -> list[tuple[int, float]]:
    rng = random.Random(seed)
    return [
        (
            rng.randrange(10_000),
            rng.uniform(0.96, 1.0) if rng.random() < 0.4 else rng.random() * 0.9,
        )
        for _ in range(length)
    ]


def test_an_answer_said_by_heart_is_locked_within_a_dozen_tokens() -> None:
    lock = Lock(ORDINARY)
    told = [lock.observe(0.999, token) for token in range(15)]
    assert told.index(True) == lock.fired_at
    assert lock.fired_at is not None
    assert 5 <= lock.fired_at < 12
    assert all(told[lock.fired_at :])


def test_one_unsure_token_does_not_break_a_run() -> None:
    lock = Lock(ORDINARY)
    assert any([lock.observe(0.3 if place == 6 else 0.999, place) for place in range(20)])


def test_ordinary_answers_stay_unlocked() -> None:
    threshold = threshold_from([([], ordinary(seed)) for seed in range(8)])
    for seed in range(100, 140):
        lock = Lock(threshold)
        assert not any([lock.observe(p, token) for token, p in ordinary(seed)])


def test_repeating_the_prompt_does_not_count() -> None:
    prompt = list(range(50, 90))
    copying, saying = Lock(ORDINARY, prompt=prompt), Lock(ORDINARY)
    assert not any([copying.observe(0.999, token) for token in prompt])
    assert any([saying.observe(0.999, token) for token in prompt])
    assert copying.counted == COPIED - 1


def test_repeating_the_answer_itself_does_not_count() -> None:
    lock = Lock(ORDINARY)
    said = [7, 8, 9, 10, 11] * 12
    assert not any([lock.observe(0.999, token) for token in said])


def test_a_server_without_token_ids_is_watched_too() -> None:
    lock = Lock(ORDINARY)
    assert any([lock.observe(0.999) for _ in range(15)])


def test_a_probability_that_is_no_number_changes_nothing() -> None:
    lock = Lock(ORDINARY)
    assert not any([lock.observe(math.nan) for _ in range(50)])
    assert lock.score == 0.0


def test_a_threshold_comes_back_from_json() -> None:
    assert LockThreshold.from_json(ORDINARY.to_json()) == ORDINARY


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"sure": 2, "ordinary_share": 0.4, "limit": 9, "tokens": 1}',
             '{"sure": 0.9, "ordinary_share": 0.4, "limit": NaN, "tokens": 1}']
)  # fmt: skip
def test_what_is_no_threshold_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        LockThreshold.from_json(text)


def test_a_model_that_is_always_sure_needs_longer_runs() -> None:
    plain = threshold_from([([], ordinary(1))])
    surer = threshold_from([([], [(t, 1 - (1 - p) / 20) for t, p in ordinary(1)])])
    assert surer.sure > plain.sure


def test_calibrating_without_prompts_is_refused() -> None:
    with pytest.raises(UsageError):
        threshold_from([])


torch = pytest.importorskip("torch")
START, END, HEART = 1, 2, list(range(20, 40))


@pytest.fixture(scope="module")
def model():
    """A two-layer Llama that learns one row of tokens by heart, which token 19 brings out."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=60, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, bos_token_id=START, eos_token_id=END, pad_token_id=0,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(150):
        free = torch.randint(40, 60, (16, 24))
        free[:4] = torch.tensor([START, 45, 46, 19, *HEART])
        loss = model(input_ids=free, labels=free).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


class Words:
    chat_template = None

    def __call__(self, text, **_):
        ids = torch.tensor([[int(word) for word in text.split()]])
        return type("Encoded", (), {"input_ids": ids})()


PROMPTS = [f"1 {a} {b} {c}" for a, b, c in [(41, 50, 44), (59, 42, 47), (55, 51, 43), (48, 58, 40)]]


def answer(model, lock, ids, **given):
    ids = torch.tensor(ids)
    return model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=20, do_sample=False,
        logits_processor=[lock], **given,
    )  # fmt: skip


@pytest.fixture(scope="module")
def threshold(model):
    return calibrate(model, Words(), PROMPTS, tokens=20)


def test_generation_of_the_learnt_row_is_locked_and_others_are_not(model, threshold) -> None:
    lock = SequenceLock(threshold)
    said = answer(model, lock, [[START, 45, 46, 19], [START, 57, 49, 52]])
    assert said[0, 4:].tolist()[:18] == HEART[:18]
    assert lock.fired == (True, False)


def test_a_locked_answer_can_be_ended_at_once(model, threshold) -> None:
    fired = []
    lock = SequenceLock(
        threshold, action="end", end_id=END, on_fire=lambda row, state: fired.append(row)
    )
    said = answer(model, lock, [[START, 45, 46, 19]])
    assert said[0, -1] == END
    assert said.shape[1] < 4 + len(HEART)
    assert fired == [0]


def test_a_locked_answer_can_raise(model, threshold) -> None:
    with pytest.raises(LockFired):
        answer(model, SequenceLock(threshold, action="raise"), [[START, 45, 46, 19]])


def test_a_stopping_criterion_stops_a_locked_answer(model, threshold) -> None:
    lock = SequenceLock(threshold)
    said = answer(
        model, lock, [[START, 45, 46, 19]], stopping_criteria=[SequenceLockCriteria(lock)]
    )
    assert lock.fired == (True,)
    assert said.shape[1] == 4 + lock.locks[0].fired_at + 1


def test_ending_without_an_end_token_is_refused() -> None:
    with pytest.raises(UsageError):
        SequenceLock(ORDINARY, action="end")
