"""What is ordinary for one model: measured on a few prompts."""

import math
from collections.abc import Sequence
from typing import Any

from corpus_guard.errors import UsageError
from corpus_guard.probe.lock.watching import Lock, LockThreshold

SURE = (0.9, 0.95, 0.99, 0.999, 0.9999)
MOST_ORDINARY = 0.6
LEAST_LIMIT = math.log(1e4)
ROOM = 1.5
"""A limit is so many times what the most confident ordinary answer reached."""


def calibrate(
    model: Any,  # noqa: ANN401
    tokenizer: Any,  # noqa: ANN401
    prompts: Sequence[str],
    *,
    tokens: int = 64,
) -> LockThreshold:
    """Return what is ordinary for a model, from its greedy answers to ordinary prompts.

    Prompts go through the chat template where there is one. Raises UsageError without prompts or where
    the model says nothing.
    """
    answers = [_answer(model, tokenizer, prompt, tokens) for prompt in prompts]
    return threshold_from([answer for answer in answers if answer[1]])


def threshold_from(
    answers: Sequence[tuple[Sequence[int], Sequence[tuple[int, float]]]],
) -> LockThreshold:
    """Return the threshold for ordinary answers: of each the prompt's ids, and (token, probability).

    The mark of a sure token is the lowest that at most `MOST_ORDINARY` of the counted tokens reach; the
    limit is `ROOM` times what the most confident answer reached, and at least log(10,000).
    """
    if not answers:
        raise UsageError(
            "a lock is calibrated on answers, and there are none; give ordinary prompts"
        )
    for sure in SURE:
        share, counted = _share(answers, sure)
        if share <= MOST_ORDINARY:
            break
    share = min(share, 0.9)
    loose = LockThreshold(sure=sure, ordinary_share=share, limit=1e9, tokens=counted)
    highest = max(_watched(loose, *answer).highest for answer in answers)
    return LockThreshold(
        sure=sure, ordinary_share=share, limit=max(LEAST_LIMIT, ROOM * highest), tokens=counted
    )


def _watched(
    threshold: LockThreshold, prompt: Sequence[int], answer: Sequence[tuple[int, float]]
) -> Lock:
    lock = Lock(threshold, prompt=prompt)
    for token, probability in answer:
        lock.observe(probability, token)
    return lock


def _share(
    answers: Sequence[tuple[Sequence[int], Sequence[tuple[int, float]]]], sure: float
) -> tuple[float, int]:
    """Return the smoothed share of counted tokens that are sure, and how many were counted."""
    above = counted = 0
    flat = LockThreshold(sure=sure, ordinary_share=0.5, limit=1e9, tokens=0)
    for prompt, answer in answers:
        lock = Lock(flat, prompt=prompt)
        for token, probability in answer:
            before = lock.counted
            lock.observe(probability, token)
            above += (lock.counted > before) and probability >= sure
        counted += lock.counted
    return (above + 1) / (counted + 2), counted


def _answer(
    model: Any,  # noqa: ANN401
    tokenizer: Any,  # noqa: ANN401
    prompt: str,
    tokens: int,
) -> tuple[list[int], list[tuple[int, float]]]:
    """Return the ids of a prompt, and the greedy answer with the probability of each token."""
    import torch

    if getattr(tokenizer, "chat_template", None):
        turns = [{"role": "user", "content": prompt}]
        prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt").input_ids
    else:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
    ids = ids.to(model.device)
    with torch.inference_mode():
        told = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=tokens,
            output_logits=True,
            return_dict_in_generate=True,
        )
    said = told.sequences[0, ids.shape[1] :].tolist()
    sure = [
        float(torch.softmax(step[0].float(), dim=-1)[token])
        for step, token in zip(told.logits, said, strict=True)
    ]
    return ids[0].tolist(), list(zip(said, sure, strict=True))
