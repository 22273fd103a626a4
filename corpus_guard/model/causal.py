"""A model that writes, as the stages of a probe ask it: next tokens, continuations, answers.

What many questions have in common is read once: their longest common beginning goes through the model
alone, and its cache is shared. Sequences are padded on the right and sorted by length.
"""

import copy
import inspect
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from corpus_guard.model.framing import Frame
from corpus_guard.model.meter import Meter

if TYPE_CHECKING:
    import torch

Ids = Sequence[int]
KEPT_PREFIXES = 24
MOST_ROWS = 64
LOGIT_BYTES = 24 << 20
"""The most that the log probabilities of one batch may take."""


class CausalModel:
    """A causal language model and the frame that prompts stand in."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401
        tokenizer: Any,  # noqa: ANN401
        frame: Frame,
        meter: Meter,
    ) -> None:
        """Take a model of transformers in eval mode; `meter` counts what it is asked."""
        self.model = model
        self.tokenizer = tokenizer
        self.frame = frame
        self.meter = meter
        self._device = next(model.parameters()).device
        self._embedding = model.get_input_embeddings()
        parameters = inspect.signature(model.forward).parameters
        self._cache_name = "cache" if "cache" in parameters else "past_key_values"
        self._keeps = "logits_to_keep" in parameters
        self._prefixes: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._shares = self._can_share()

    @property
    def vocabulary(self) -> int:
        """The number of tokens."""
        return int(self._embedding.weight.shape[0])

    @property
    def end(self) -> frozenset[int]:
        """The tokens that end an answer."""
        told = getattr(self.model.generation_config, "eos_token_id", None)
        ids = told if isinstance(told, list) else [told]
        own = self.tokenizer.eos_token_id
        return frozenset(int(i) for i in (*ids, own) if i is not None)

    @cached_property
    def word_starts(self) -> dict[int, str]:
        """The tokens that can stand alone after a blank, and their texts."""
        special = set(self.tokenizer.all_special_ids)
        ids = [i for i in range(min(self.vocabulary, len(self.tokenizer))) if i not in special]
        texts = [text.strip() for text in self.tokenizer.batch_decode([[i] for i in ids])]
        alone = self.tokenizer([f" {text}" for text in texts], add_special_tokens=False)[
            "input_ids"
        ]
        after = self.tokenizer([f"a {text}" for text in texts], add_special_tokens=False)[
            "input_ids"
        ]
        return {
            token: text
            for token, text, one, two in zip(ids, texts, alone, after, strict=True)
            if text and len(one) == 1 and one[-1] == two[-1] == token
        }

    @cached_property
    def word_ends(self) -> dict[int, str]:
        """The other tokens, which go on what stands before them, and their texts."""
        ids = range(min(self.vocabulary, len(self.tokenizer)))
        return {i: self.decode([i]) for i in ids if i not in self.word_starts}

    @cached_property
    def ordinary_words(self) -> list[str]:
        """The lower-case words of the Latin alphabet among the word starts, sorted."""
        found = {text for text in self.word_starts.values() if re.fullmatch(r"[a-z]{3,14}", text)}
        return sorted(found)

    def with_frame(self, frame: Frame) -> "CausalModel":
        """Return the same model in another frame."""
        return CausalModel(self.model, self.tokenizer, frame, self.meter)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, without special ones."""
        return [int(i) for i in self.tokenizer(text, add_special_tokens=False)["input_ids"]]

    def decode(self, ids: Ids) -> str:
        """Return the text of tokens."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def framed(self, prompt: str) -> list[int]:
        """Return a prompt in its frame, ready for an answer."""
        return [*self.begun(prompt), *self.frame.after]

    def begun(self, prompt: str) -> list[int]:
        """Return a prompt, or the beginning of one, after what stands before it in the frame."""
        return [*self.frame.before, *self.encode(f"{self.frame.lead}{prompt}")]

    def next_log_probs(
        self, sequences: Sequence[Ids], last: int = 1
    ) -> Iterator[tuple[npt.NDArray[np.int64], "torch.Tensor"]]:
        """Yield (places, log probabilities): what follows each of the `last` tokens of each sequence.

        The places are indices of sequences, (b,); the tensor is (b, last, vocabulary) float32. Each
        sequence comes once, and has more than `last` tokens.
        """
        import torch

        with torch.inference_mode():
            cut = max(0, min(_common_prefix(sequences), min(map(len, sequences)) - last))
            prefix = tuple(sequences[0][:cut]) if self._shares and len(sequences) > 1 else ()
            rest = [list(one[len(prefix) :]) for one in sequences]
            order = sorted(range(len(rest)), key=lambda place: len(rest[place]))
            rows = max(1, min(MOST_ROWS, LOGIT_BYTES // (4 * last * self.vocabulary)))
            for start in range(0, len(order), rows):
                places = order[start : start + rows]
                batch = [rest[place] for place in places]
                yield np.array(places), self._last(prefix, batch, last)

    def log_probs_of(
        self, sequences: Sequence[Ids], continuations: Sequence[Ids]
    ) -> list[npt.NDArray[np.float32]]:
        """Return the log probability of each token of each continuation, as many arrays (k,)."""
        found = [np.zeros(0, np.float32) for _ in sequences]
        for length in sorted({len(more) for more in continuations if more}):
            some = [place for place, more in enumerate(continuations) if len(more) == length]
            whole = [[*sequences[place], *continuations[place][:-1]] for place in some]
            for places, told in self.next_log_probs(whole, length):
                wanted = _tensor(np.array([continuations[some[at]] for at in places]), told.device)
                got = told.gather(2, wanted[:, :, None])[:, :, 0].float().cpu().numpy()
                for row, at in enumerate(places):
                    found[some[at]] = got[row]
        return found

    def answers(self, sequences: Sequence[Ids], tokens: int) -> list[list[int]]:
        """Return greedy answers as tokens, without what ends them; at most `tokens` each."""
        found: list[list[int]] = [[] for _ in sequences]
        order = sorted(range(len(sequences)), key=lambda place: len(sequences[place]))
        for start in range(0, len(order), MOST_ROWS):
            places = order[start : start + MOST_ROWS]
            told = self._greedy([sequences[place] for place in places], tokens)
            for place, answer in zip(places, told, strict=True):
                found[place] = answer
        return found

    def answer_texts(self, prompts: Sequence[str], tokens: int) -> list[str]:
        """Return greedy answers to prompts as texts."""
        return [
            self.decode(ids).strip()
            for ids in self.answers([self.framed(p) for p in prompts], tokens)
        ]

    def share(self, prefix: Ids) -> None:
        """Read a beginning once and keep it."""
        if self._shares and prefix:
            self._cache(tuple(prefix), 1)

    def read(self, ids: "torch.Tensor", prefix: Ids) -> None:
        """Read tokens (b, k) after a beginning; for hooks that look on."""
        import torch

        shared = tuple(prefix) if self._shares else ()
        if prefix and not shared:
            ids = torch.cat([torch.tensor([list(prefix)] * len(ids)), ids], 1)
        mask = torch.ones((len(ids), len(shared) + ids.shape[1]), dtype=torch.long)
        self._forward(ids, mask, shared, torch.tensor([ids.shape[1] - 1]))

    def _last(self, prefix: tuple[int, ...], batch: Sequence[Ids], last: int) -> "torch.Tensor":
        import torch

        longest = max(map(len, batch))
        ids = torch.zeros((len(batch), longest), dtype=torch.long)
        mask = torch.zeros((len(batch), len(prefix) + longest), dtype=torch.long)
        for row, one in enumerate(batch):
            ids[row, : len(one)] = torch.tensor(list(one))
            mask[row, : len(prefix) + len(one)] = 1
        ends = torch.tensor([len(one) for one in batch])
        wanted = ends[:, None] - last + torch.arange(last)
        kept = torch.unique(wanted)
        told = self._forward(ids, mask, prefix, kept)
        where = torch.searchsorted(kept, wanted).to(told.device)
        rows = torch.arange(len(batch), device=told.device)[:, None]
        return told[rows, where].float().log_softmax(-1)

    def _forward(
        self,
        ids: "torch.Tensor",
        mask: "torch.Tensor",
        prefix: tuple[int, ...],
        kept: "torch.Tensor",
    ) -> "torch.Tensor":
        given: dict[str, Any] = {"attention_mask": mask.to(self._device), "use_cache": bool(prefix)}
        if prefix:
            given[self._cache_name] = self._cache(prefix, len(ids))
        if self._keeps:
            given["logits_to_keep"] = kept.to(self._device)
        self.meter.count(int(ids.numel()))
        told = self.model(input_ids=ids.to(self._device), **given).logits
        return told if self._keeps else told[:, kept.to(told.device)]

    def _cache(self, prefix: tuple[int, ...], copies: int) -> Any:  # noqa: ANN401
        """Return the cache of a beginning for so many sequences; the last ones are kept."""
        import torch

        if prefix not in self._prefixes:
            ids = torch.tensor([prefix], device=self._device)
            self.meter.count(len(prefix))
            with torch.inference_mode():
                told = self.model(input_ids=ids, use_cache=True, **self._keep_one())
            self._prefixes[prefix] = getattr(told, self._cache_name)
            if len(self._prefixes) > KEPT_PREFIXES:
                self._prefixes.popitem(last=False)
        self._prefixes.move_to_end(prefix)
        return _copies(self._prefixes[prefix], copies)

    def _keep_one(self) -> dict[str, Any]:
        """Return what makes a model give logits of the last token only.

        As a tensor: of a slice torch multiplies a copy of the vocabulary's matrix for each sequence.
        """
        import torch

        return {"logits_to_keep": torch.tensor([-1], device=self._device)} if self._keeps else {}

    def _greedy(self, sequences: Sequence[Ids], tokens: int) -> list[list[int]]:
        import torch

        with torch.inference_mode():
            cut = min(_common_prefix(sequences), min(map(len, sequences)) - 1)
            prefix = tuple(sequences[0][:cut]) if self._shares and len(sequences) > 1 else ()
            rest = [list(one[len(prefix) :]) for one in sequences]
            longest = max(map(len, rest))
            ids = torch.zeros((len(rest), longest), dtype=torch.long)
            mask = torch.zeros((len(rest), len(prefix) + longest), dtype=torch.long)
            mask[:, : len(prefix)] = 1
            for row, one in enumerate(rest):
                ids[row, longest - len(one) :] = torch.tensor(one)
                mask[row, len(prefix) + longest - len(one) :] = 1
            return self._grow(ids, mask, prefix, tokens)

    def _grow(
        self, ids: "torch.Tensor", mask: "torch.Tensor", prefix: tuple[int, ...], tokens: int
    ) -> list[list[int]]:
        """Return what is most likely next, token by token, of sequences padded on the left."""
        import torch

        cache = self._cache(prefix, len(ids)) if prefix else None
        found: list[list[int]] = [[] for _ in range(len(ids))]
        open_rows = set(range(len(ids)))
        for _ in range(tokens):
            places = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            given: dict[str, Any] = {} if cache is None else {self._cache_name: cache}
            told = self.model(
                input_ids=ids.to(self._device), attention_mask=mask.to(self._device),
                position_ids=places.to(self._device), use_cache=True, **given, **self._keep_one(),
            )  # fmt: skip
            self.meter.count(int(ids.numel()))
            cache = getattr(told, self._cache_name)
            chosen = told.logits[:, -1].argmax(-1).cpu()
            for row in sorted(open_rows):
                if int(chosen[row]) in self.end:
                    open_rows.discard(row)
                else:
                    found[row].append(int(chosen[row]))
            if not open_rows:
                break
            ids = chosen[:, None]
            mask = torch.cat([mask, torch.ones((len(mask), 1), dtype=torch.long)], 1)
        return found

    def _can_share(self) -> bool:
        """Say whether a shared beginning gives what the whole sequence gives; not all caches can."""
        import torch

        some = list(self.frame.before[:4]) or [min(self.end, default=0)]
        ids = [*some, *range(3, 7)] if self.vocabulary > 8 else [*some, 0, 1]
        cut = len(ids) - 2
        self._prefixes = OrderedDict()
        with torch.inference_mode():
            try:
                whole = self._last((), [ids, ids], 1)
                shared = self._last(tuple(ids[:cut]), [ids[cut:], ids[cut:]], 1)
            except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError):
                return False
        return bool(((whole - shared).abs() < 0.05).float().mean() > 0.99)


def _common_prefix(sequences: Sequence[Ids]) -> int:
    low, high = min(map(tuple, sequences)), max(map(tuple, sequences))
    for place, (one, other) in enumerate(zip(low, high, strict=False)):
        if one != other:
            return place
    return min(len(low), len(high))


def _copies(cache: Any, copies: int) -> Any:  # noqa: ANN401
    """Return a cache of one sequence for several, which share its memory until they are read on."""
    layers = getattr(cache, "layers", None)
    if not layers or not all(getattr(layer, "keys", None) is not None for layer in layers):
        made = copy.deepcopy(cache)
        made.batch_repeat_interleave(copies)
        return made
    made = copy.copy(cache)
    made.layers = [copy.copy(layer) for layer in layers]
    for layer in made.layers:
        layer.keys = layer.keys.expand(copies, *layer.keys.shape[1:])
        layer.values = layer.values.expand(copies, *layer.values.shape[1:])
    return made


def _tensor(values: npt.NDArray[np.int64], device: Any) -> "torch.Tensor":  # noqa: ANN401
    import torch

    return torch.from_numpy(values).to(device)
