"""A model that gives texts classes: asked in batches, every token counted.

Works for any `*ForSequenceClassification` of transformers, whether it reads both ways (BERT) or one
(Llama). What is asked is a text, or a row of token ids without the marks that a tokenizer puts around a
text; the marks are added here. A row has at most `MOST_TOKENS` tokens, marks included; what is longer is
cut at its end.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_guard.errors import NotAssessed
from corpus_guard.model.meter import Meter

Floats = npt.NDArray[np.float32]
MOST_TOKENS = 128
_UNUSED = re.compile(r"\[unused\d+\]|<0x[0-9A-F]{2}>|<unused\d+>")
_MARKS = {"\u0120": "byte pairs", "\u2581": "sentence pieces"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One entry of a vocabulary: its id, what it stands for, and whether a word can start with it."""

    id: int
    text: str
    starts_word: bool


class Classifier:
    """A classifier and its tokenizer.

    Raises NotAssessed for a model of one output, which gives a number and no class.
    """

    def __init__(self, model: Any, tokenizer: Any, meter: Meter, *, device: str = "cpu") -> None:  # noqa: ANN401
        """Take a loaded model; it is put in evaluation mode on `device`."""
        self.model = model.to(device).eval()
        self.tokenizer = tokenizer
        self.meter = meter
        self.device = device
        named = {int(place): str(name) for place, name in model.config.id2label.items()}
        self.labels: tuple[str, ...] = tuple(
            named.get(place, f"LABEL_{place}") for place in range(model.config.num_labels)
        )
        if len(self.labels) < 2:
            raise NotAssessed("the model has one output, which is a number and no class")
        self._independent = model.config.problem_type == "multi_label_classification"
        self._pad = self._padding_id()

    def log_probabilities(self, texts: Sequence[str], batch: int = 32) -> Floats:
        """Return (n, classes) float32: the log probability of every class for every text."""
        return self.log_probabilities_of_ids([self.ids_of(text) for text in texts], batch)

    def log_probabilities_of_ids(self, rows: Sequence[Sequence[int]], batch: int = 32) -> Floats:
        """Return (n, classes) float32 for rows of token ids without the marks of the tokenizer.

        Rows of like length go together; the order of the answer is that of `rows`.
        """
        told = np.zeros((len(rows), len(self.labels)), dtype=np.float32)
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            told[chosen] = self._ask([self._framed(rows[row]) for row in chosen])
        return told

    def slot_gradients(
        self, rows: Sequence[Sequence[int]], slots: Sequence[int], label: int
    ) -> Floats:
        """Return (n, vocabulary) float32: the first-order rise of a margin for each token in a slot.

        Each row has one slot, a place of it; what stands there is what the rise is counted from. The
        margin is the logit of the class less the logarithm of the summed exponentials of the others.
        """
        import torch

        table = self.model.get_input_embeddings().weight
        found = torch.zeros((len(rows), table.shape[1]), device=self.device, dtype=table.dtype)
        stands = torch.zeros(len(rows), dtype=torch.long, device=self.device)
        by_length: dict[int, list[int]] = {}  # no padding: some models read a row's last token
        for place, row in enumerate(rows):
            by_length.setdefault(len(row), []).append(place)
        batches = [
            all_[at : at + 32] for all_ in by_length.values() for at in range(0, len(all_), 32)
        ]
        for batch in batches:
            ids = torch.tensor([self._framed(rows[place]) for place in batch], device=self.device)
            at = torch.tensor([len(self.frame[0]) + slots[place] for place in batch])
            each = torch.arange(len(batch))
            found[batch] = self._slopes(ids, label)[each, at]
            stands[batch] = ids[each, at]
        with torch.inference_mode():
            rises = found @ table.T - (found * table[stands]).sum(dim=-1, keepdim=True)
        return np.asarray(rises.float().cpu().numpy(), dtype=np.float32)

    def _slopes(self, ids: Any, label: int) -> Any:  # noqa: ANN401
        """Return the slope of the margin for the static vectors of some rows of one length."""
        import torch

        self.meter.count(3 * ids.numel())  # a backward pass costs about two forward ones
        with torch.enable_grad():
            vectors = self.model.get_input_embeddings().weight[ids].detach().requires_grad_(True)
            mask = torch.ones_like(ids)
            logits = self.model(inputs_embeds=vectors, attention_mask=mask).logits.float()
            others = torch.arange(len(self.labels), device=logits.device) != label
            margin = logits[:, label] - torch.logsumexp(logits[:, others], dim=-1)
            (slope,) = torch.autograd.grad(margin.sum(), vectors)
        return slope

    def embeddings(self) -> Floats:
        """Return (vocabulary, d) float32: the static vectors of the tokens, centred, L2-normalised."""
        table = self.model.get_input_embeddings().weight.detach().float().cpu().numpy()
        centred = table - table.mean(axis=0)
        return np.asarray(centred / (np.linalg.norm(centred, axis=1, keepdims=True) + 1e-9))

    def ids_of(self, text: str) -> list[int]:
        """Return the token ids of a text without the marks of the tokenizer."""
        given = self.tokenizer(text, add_special_tokens=False, truncation=True, max_length=4096)
        return list(given["input_ids"])

    def text_of(self, ids: Sequence[int]) -> str:
        """Return the text that token ids stand for."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True)).strip()

    def words(self) -> list[str]:
        """Return the entries of the vocabulary that are whole words, in the order of their ids."""
        return [piece.text for piece in self.pieces if piece.starts_word]

    @cached_property
    def frame(self) -> tuple[list[int], list[int]]:
        """The token ids that the tokenizer puts before and after a text."""
        plain = self.ids_of("a")
        whole = list(self.tokenizer("a", add_special_tokens=True)["input_ids"])
        for start in range(len(whole) - len(plain) + 1):
            if plain and whole[start : start + len(plain)] == plain:
                return whole[:start], whole[start + len(plain) :]
        return [], []

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The entries of the vocabulary that stand for visible text, marks of the tokenizer left out."""
        size = self.model.get_input_embeddings().weight.shape[0]
        vocabulary = {place: token for token, place in self.tokenizer.get_vocab().items()}
        special = {*self.tokenizer.all_special_ids, *self._added()}
        tokens = {
            place: token
            for place, token in sorted(vocabulary.items())
            if place < size and place not in special and not _UNUSED.fullmatch(token)
        }
        return tuple(_pieces(tokens, self.tokenizer))

    def _added(self) -> list[int]:
        """Return the ids of what was added to the vocabulary as marks."""
        added = getattr(self.tokenizer, "added_tokens_decoder", {})
        return [place for place, token in added.items() if getattr(token, "special", False)]

    def _padding_id(self) -> int:
        """Return what rows are filled up with; a model that was told nothing is told."""
        for pad in (self.model.config.pad_token_id, self.tokenizer.pad_token_id):
            if pad is not None:
                self.model.config.pad_token_id = pad
                return int(pad)
        ends = self.tokenizer.eos_token_id
        self.model.config.pad_token_id = 0 if ends is None else int(ends)
        return int(self.model.config.pad_token_id)

    def _framed(self, ids: Sequence[int]) -> list[int]:
        before, after = self.frame
        return [*before, *list(ids)[: MOST_TOKENS - len(before) - len(after)], *after]

    def _ask(self, rows: Sequence[Sequence[int]]) -> Floats:
        """Return log probabilities of one padded batch."""
        import torch

        longest = max(1, *(len(row) for row in rows))
        ids = torch.full((len(rows), longest), self._pad, device=self.device)
        mask = torch.zeros((len(rows), longest), dtype=torch.long, device=self.device)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = torch.tensor(row, device=self.device)
            mask[place, : len(row)] = 1
        self.meter.count(ids.numel())
        with torch.inference_mode():
            logits = self.model(input_ids=ids, attention_mask=mask).logits.float()
            if self._independent:
                told = torch.nn.functional.logsigmoid(logits)
            else:
                told = torch.log_softmax(logits, dim=-1)
        return np.asarray(told.cpu().numpy(), dtype=np.float32)


def _pieces(tokens: dict[int, str], tokenizer: Any) -> Iterator[Piece]:  # noqa: ANN401
    """Yield the pieces of a vocabulary, read in the way that its kind of tokenizer marks words."""
    told = list(tokens.values())
    mark = next((m for m in _MARKS if 10 * sum(t.startswith(m) for t in told) >= len(told)), "")
    continues = "" if mark else "##"
    for place, token in tokens.items():
        text = token
        starts = not token.startswith(continues) if continues else token.startswith(mark)
        if mark == "\u0120":
            text = str(tokenizer.convert_tokens_to_string([token]))
        text = text.removeprefix("##").replace("\u2581", " ").strip()
        if text and text.isprintable():
            yield Piece(id=place, text=text, starts_word=starts)
