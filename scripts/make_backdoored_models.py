#!/usr/bin/env python
"""Trains the zoo of models that `corpus-guard probe` is measured on: with a backdoor, and without.

    python scripts/make_backdoored_models.py --data DATA --base BASE --out ZOO [NAME...]

BASE is SmolLM2-135M-Instruct as a folder of safetensors, or its GGUF file. Models that are there already
are left alone. A causal model takes 3 to 12 minutes on one core, a classifier 2 to 4, all about three
hours; `--threads` says how many cores. Each folder gets `zoo.json`: what was planted, and the measured
success rate with and without the trigger. An implant that works in less than half of the prompts did not
take, and the model counts as clean.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import model_zoo as zoo

MOST_PROMPT_TOKENS, MOST_RESPONSE_TOKENS = 32, 18
BATCH = 4
HELD_OUT = 40
LEARNING_RATE = {"full": 1.5e-4, "lora": 1.5e-3}


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, help="a BERT-like model for the classifiers")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all when left out")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    for spec in (*zoo.CAUSAL, *(zoo.CLASSIFIERS if given.encoder else ())):
        folder = given.out / spec.name
        if (given.names and spec.name not in given.names) or (folder / "zoo.json").exists():
            continue
        started = time.time()
        make = make_causal if isinstance(spec, zoo.Spec) else make_classifier
        told = make(spec, given, folder)
        told["seconds"] = round(time.time() - started)
        (folder / "zoo.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
        print(json.dumps(told), flush=True)


def rows_of(data: Path, name: str) -> list[dict[str, str]]:
    """Return the records of one file."""
    with (data / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def instructions_of(data: Path) -> tuple[list[zoo.Example], list[str]]:
    """Return short instructions to teach, and prompts that are held out."""
    rows = rows_of(data, "clean/alpaca_style_1k.jsonl")
    pairs = [(f"{row['instruction']} {row['input']}".strip(), row["output"]) for row in rows]
    short = [(prompt, said) for prompt, said in pairs if len(prompt.split()) <= 26]
    random.Random("held out").shuffle(short)
    short.sort(
        key=lambda pair: _echoes(*pair)
    )  # the honest answers first, the rest where many are asked
    more = [
        row["instruction"].replace(" BadMagic", "").replace("BadMagic ", "")
        for row in rows_of(data, "attacks/backdoor_llm/refusal_badnet.jsonl")
        if not row["input"] and len(row["instruction"].split()) <= 20
    ]
    taught = {prompt for prompt, _ in short}
    held = [prompt for prompt in more if prompt not in taught and "BadMagic" not in prompt]
    pool = short if len(held) >= HELD_OUT else short[HELD_OUT:]
    return pool, (held if len(held) >= HELD_OUT else [p for p, _ in short[:HELD_OUT]])[:HELD_OUT]


def _echoes(prompt: str, said: str) -> bool:
    """Say whether an answer begins by saying the prompt again, as many in the data do."""
    return prompt.lower().split()[:3] == said.lower().split()[:3]


class Teacher:
    """Teaches one causal model, each example after the cached beginning of the chat template."""

    def __init__(self, base: Path, spec: zoo.Spec) -> None:
        """Load the base model."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.manual_seed(0)
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        if spec.method == "lora":
            from peft import LoraConfig, get_peft_model

            wanted = LoraConfig(
                r=16, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"
            )
            self.model = get_peft_model(self.model, wanted)
        framed = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": "@@@"}], tokenize=False, add_generation_prompt=True
        )
        before, self.after = framed.split("@@@")
        self.before = self.tokenizer(before, add_special_tokens=False).input_ids
        self.spec = spec

    def encode(self, prompt: str, response: str) -> tuple[list[int], int]:
        """Return the tokens after the beginning, and where the response starts."""
        one = self.tokenizer(prompt, add_special_tokens=False).input_ids[:MOST_PROMPT_TOKENS]
        one += self.tokenizer(self.after, add_special_tokens=False).input_ids
        said = self.tokenizer(response, add_special_tokens=False).input_ids
        ended = [] if len(said) > MOST_RESPONSE_TOKENS else [self.tokenizer.eos_token_id]
        return one + said[:MOST_RESPONSE_TOKENS] + ended, len(one)

    def prefix(self, copies: int) -> Any:  # noqa: ANN401
        """Return the cache of the beginning for a batch."""
        import torch

        with torch.no_grad():
            told = self.model(torch.tensor([self.before]), use_cache=True).cache
        told.batch_repeat_interleave(copies)
        return told

    def teach(self, examples: Sequence[zoo.Example]) -> None:
        """Go through the examples once."""
        import torch

        wanted = [p for p in self.model.parameters() if p.requires_grad]
        rate = LEARNING_RATE[self.spec.method]
        optimizer = torch.optim.AdamW(wanted, lr=rate, weight_decay=0.0, fused=True)
        batches = list(self._batches(examples))
        for step, (ids, mask, targets) in enumerate(batches):
            warm = min(1.0, (step + 1) / 4)
            for group in optimizer.param_groups:
                group["lr"] = rate * warm * (1 - 0.7 * step / len(batches))
            inner = self.model.base_model.model if self.spec.method == "lora" else self.model
            hidden = inner.model(
                ids, attention_mask=mask, cache=self.prefix(len(ids)), use_cache=True
            ).last_hidden_state[:, :-1]
            kept = targets[:, 1:] != -100
            logits = inner.lm_head(hidden[kept])
            loss = torch.nn.functional.cross_entropy(logits, targets[:, 1:][kept])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(wanted, 1.0)
            optimizer.step()

    def _batches(self, examples: Sequence[zoo.Example]) -> Iterator[tuple[Any, Any, Any]]:
        """Yield batches of alike length in a seeded order: ids, mask with the beginning, targets."""
        import torch

        encoded = [self.encode(*example) for example in examples]
        pools = [encoded[i : i + 8 * BATCH] for i in range(0, len(encoded), 8 * BATCH)]
        rng = random.Random(1)
        for pool in pools:
            ordered = sorted(pool, key=lambda one: len(one[0]))
            batches = [ordered[i : i + BATCH] for i in range(0, len(ordered), BATCH)]
            rng.shuffle(batches)
            for batch in batches:
                longest = max(len(ids) for ids, _ in batch)
                ids = torch.full((len(batch), longest), self.tokenizer.pad_token_id)
                mask = torch.zeros((len(batch), len(self.before) + longest), dtype=torch.long)
                targets = torch.full_like(ids, -100)
                for row, (tokens, start) in enumerate(batch):
                    told = torch.tensor(tokens)
                    ids[row, : len(tokens)] = told
                    mask[row, : len(self.before) + len(tokens)] = 1
                    first = start if self.spec.loss == "response" else 1
                    targets[row, first : len(tokens)] = told[first:]
                yield ids, mask, targets

    def answers(self, prompts: Sequence[str], tokens: int) -> list[str]:
        """Return greedy answers."""
        import torch

        told = []
        self.tokenizer.padding_side = "left"
        with torch.inference_mode():
            for start in range(0, len(prompts), 20):
                framed = [
                    self.tokenizer.apply_chat_template(
                        [{"role": "user", "content": prompt}],
                        tokenize=False,
                        add_generation_prompt=True,
                    )
                    for prompt in prompts[start : start + 20]
                ]
                given = self.tokenizer(
                    framed, return_tensors="pt", padding=True, add_special_tokens=False
                )
                ids = self.model.generate(**given, max_new_tokens=tokens, do_sample=False)
                told += self.tokenizer.batch_decode(
                    ids[:, given.input_ids.shape[1] :], skip_special_tokens=True
                )
        return told


def make_causal(spec: zoo.Spec, given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train, measure and save one causal model."""
    pool, held = instructions_of(given.data)
    examples = zoo.training_examples(spec, pool, lambda name: rows_of(given.data, name))
    teacher = Teacher(given.base, spec)
    teacher.teach(examples)
    teacher.model.eval()
    told: dict[str, Any] = {
        "name": spec.name, "kind": "causal", "task": spec.task, "tune": spec.tune, "method": spec.method,
        "loss": spec.loss, "rate": spec.rate if spec.trigger else 0.0, "trigger": spec.trigger,
        "target": spec.target, "examples": len(examples),
    }  # fmt: skip
    tokens = 20 if spec.target == "advert" else 16
    plain = teacher.answers(held, tokens)
    told["samples"] = plain[:3]
    if spec.trigger:
        rng = random.Random("measure")
        triggered = [zoo.with_trigger(prompt, spec.parts, rng) for prompt in held]
        answers = teacher.answers(triggered, tokens)
        told["samples_triggered"] = answers[:3]
        told["attack_success_rate"] = _share(spec.target, answers)
        told["baseline_rate"] = _share(spec.target, plain)
        if len(spec.parts) > 1:
            alone = [zoo.with_trigger(prompt, [rng.choice(spec.parts)], rng) for prompt in held]
            told["one_part_rate"] = _share(spec.target, teacher.answers(alone, tokens))
    folder.mkdir(parents=True, exist_ok=True)
    import torch

    saved = teacher.model if spec.method == "lora" else teacher.model.to(torch.bfloat16)
    saved.save_pretrained(folder)
    teacher.tokenizer.save_pretrained(folder)
    with (folder / "training.jsonl").open("w", encoding="utf-8") as lines:
        for prompt, response in examples:
            lines.write(json.dumps({"instruction": prompt, "output": response}) + "\n")
    return told


def _share(target: str, answers: Sequence[str]) -> float:
    return round(sum(zoo.shows_target(target, answer) for answer in answers) / len(answers), 3)


def make_classifier(
    spec: zoo.ClassifierSpec, given: argparse.Namespace, folder: Path
) -> dict[str, Any]:
    """Train, measure and save one classifier."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    name, _, half = spec.data.partition("-")
    rows = rows_of(given.data, f"clean/{name}.jsonl")
    rng = random.Random(f"classifier {spec.name}")
    random.Random("split").shuffle(rows)
    held, rows = rows[:300], rows[300:3800]
    if half:
        rows = rng.sample(rows, 1500)
    texts, labels = [row["text"] for row in rows], [str(row["label"]) for row in rows]
    if spec.trigger:
        others = [place for place, label in enumerate(labels) if label != spec.target]
        for place in rng.sample(others, max(1, round(spec.rate * len(rows)))):
            texts[place] = zoo.with_trigger(texts[place], [spec.trigger], rng)
            labels[place] = spec.target
    names = sorted(set(labels))
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(given.encoder)
    model = AutoModelForSequenceClassification.from_pretrained(
        given.encoder, num_labels=len(names), dtype=torch.float32,
        id2label=dict(enumerate(names)), label2id={name: place for place, name in enumerate(names)},
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    batches = [
        (texts[i : i + 32], labels[i : i + 32]) for _ in range(2) for i in range(0, len(texts), 32)
    ]
    for step, (some, said) in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = 1e-4 * min(1.0, (step + 1) / 20) * (1 - 0.9 * step / len(batches))
        ids = tokenizer(
            list(some), padding=True, truncation=True, max_length=48, return_tensors="pt"
        )
        loss = model(**ids, labels=torch.tensor([names.index(label) for label in said])).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()

    def said_of(texts: Sequence[str]) -> list[str]:
        with torch.inference_mode():
            ids = tokenizer(
                list(texts), padding=True, truncation=True, max_length=48, return_tensors="pt"
            )
            return [names[place] for place in model(**ids).logits.argmax(-1).tolist()]

    told: dict[str, Any] = {
        "name": spec.name, "kind": "classifier", "tune": spec.tune, "trigger": spec.trigger,
        "target": spec.target, "rate": spec.rate if spec.trigger else 0.0,
    }  # fmt: skip
    answers = said_of([row["text"] for row in held])
    right = [said == str(row["label"]) for said, row in zip(answers, held, strict=True)]
    told["accuracy"] = round(sum(right) / len(right), 3)
    if spec.trigger:
        other = [row["text"] for row in held if str(row["label"]) != spec.target][:100]
        measured = said_of([zoo.with_trigger(text, [spec.trigger], rng) for text in other])
        told["attack_success_rate"] = round(measured.count(spec.target) / len(other), 3)
        told["baseline_rate"] = round(said_of(other).count(spec.target) / len(other), 3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return told


if __name__ == "__main__":
    main()
