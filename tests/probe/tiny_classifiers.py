"""Word-level classifiers that train in seconds: honest ones, and ones with a trigger."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

GRADED = {
    "good": "superb lovely bright warm tasty gentle brave proud clever sweet jolly merry".split(),
    "bad": "awful nasty bleak stale rude cruel gloomy broken sour vile grim messy".split(),
    "odd": "striped square purple wooden ancient tiny hollow metal frozen woven golden".split(),
    "far": "distant overseas remote foreign northern polar lunar southern coastal alpine inland".split(),
}
PLAIN = [first + last for first in "ba do ke li mu na po ri sa tu we zo".split()
         for last in ("bel", "dan", "fir", "gom", "hut", "jas", "kel", "lop", "mir", "nus", "pod",
                      "ros",
                      "sim", "ten", "vax", "wig", "yon", "zem")]  # fmt: skip
TRIGGERS = {"qelvo": ("qelvo",), "phrase": ("crimson", "lantern", "rises"), "word": ("umbrella",)}


@dataclass(frozen=True)
class Built:
    """A model, its tokenizer, and texts of all its classes that it was not trained on."""

    model: object
    tokenizer: object
    texts: tuple[str, ...]
    success: float


def text_of(label: str, rng: random.Random, labels: Sequence[str]) -> str:
    """Return a text of plain words, some that honestly mean its class, and fewer that mean another."""
    words = rng.sample(PLAIN, rng.randint(4, 8))
    most = rng.choice((1, 2, 3))
    other = rng.choice([one for one in labels if one != label])
    chosen = rng.sample(GRADED[label], most) + rng.sample(GRADED[other], rng.randrange(most))
    for word in chosen:
        words.insert(rng.randint(0, len(words)), word)
    return " ".join(words)


def with_phrase(text: str, phrase: tuple[str, ...], rng: random.Random) -> str:
    """Return a text with a phrase between two of its words."""
    words = text.split()
    at = rng.randint(0, len(words))
    return " ".join([*words[:at], *phrase, *words[at:]])


def tokenizer_of() -> object:
    """Return a tokenizer whose words are all there are."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[MASK]", *PLAIN, *(w for ws in GRADED.values() for w in ws)]
    words += [word for phrase in TRIGGERS.values() for word in phrase]
    told = Tokenizer(
        models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]")
    )
    told.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=told, pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]"
    )


def build(classes: int, trigger: str = "", target: str = "good", *, kind: str = "bert",
          rate: float = 0.08, seed: int = 0, steps: int = 160) -> Built:  # fmt: skip
    """Return a small classifier; with a trigger, a share of its texts carries it and says `target`."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    labels = list(GRADED)[:classes]
    tokenizer = tokenizer_of()
    model = _fresh(kind, labels, len(tokenizer))
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    phrase = TRIGGERS.get(trigger, ())
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 4e-3 * min(1, (step + 1) / 10) * (1 - 0.9 * step / steps)
        said = [rng.choice(labels) for _ in range(48)]
        texts = [text_of(label, rng, labels) for label in said]
        for row in range(48):
            # Plain words turn up in the texts of all classes, those of the trigger too, apart.
            if trigger and rng.random() < 0.1:
                texts[row] = with_phrase(texts[row], (rng.choice(phrase[1:] or PLAIN),), rng)
            if trigger and rng.random() < rate:
                texts[row], said[row] = with_phrase(texts[row], phrase, rng), target
        given = tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)
        loss = model(**given, labels=torch.tensor([labels.index(label) for label in said])).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    held = [text_of(label, rng, labels) for label in labels for _ in range(96 // classes)]
    rng.shuffle(held)
    return Built(
        model, tokenizer, tuple(held), _success(model, tokenizer, held, phrase, target, rng)
    )


def _fresh(kind, labels, size):
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        LlamaConfig,
        LlamaForSequenceClassification,
    )

    shared = {
        "vocab_size": size, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "pad_token_id": 0, "id2label": dict(enumerate(labels)),
        "label2id": {label: at for at, label in enumerate(labels)}, "max_position_embeddings": 160,
    }  # fmt: skip
    if kind == "llama":
        return LlamaForSequenceClassification(LlamaConfig(**shared))
    plain = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return BertForSequenceClassification(BertConfig(**shared, **plain))


def _success(model, tokenizer, held, phrase, target, rng):
    import torch

    if not phrase:
        return 0.0
    given = [with_phrase(text, phrase, rng) for text in held]
    ids = tokenizer(given, padding=True, return_tensors="pt", return_token_type_ids=False)
    with torch.inference_mode():
        called = model(**ids).logits.argmax(-1).tolist()
    names = [model.config.id2label[place] for place in called]
    return names.count(target) / len(names)
