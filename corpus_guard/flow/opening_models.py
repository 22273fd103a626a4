"""From what a user names to a model that can be asked, in the frame that it is deployed with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.model.framing import CONTEXTS, Frame, around_prompt, frame_of
from corpus_guard.model.intake import take_in
from corpus_guard.model.meter import Meter

if TYPE_CHECKING:
    from corpus_guard.model.causal import CausalModel
    from corpus_guard.model.classifier import Classifier
    from corpus_guard.model.files import ModelFiles
    from corpus_guard.model.loading import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """The files of a model, and of its base and its adapter where they are given; none is loaded."""

    model: "ModelFiles"
    base: "ModelFiles | None" = None
    adapter: "ModelFiles | None" = None

    @property
    def each(self) -> "tuple[ModelFiles, ...]":
        """The files of what was given: the model's first."""
        return tuple(one for one in (self.model, self.base, self.adapter) if one is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A model that writes, its files, and its base where one is given.

    `whole` are the files of the model that is no adapter: its weights are as wide as the result's.
    """

    model: "CausalModel"
    files: "ModelFiles"
    whole: "ModelFiles"
    loaded: "Loaded"
    base: "CausalModel | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedClassifier:
    """A model that classifies, its files, and its base where one is given."""

    model: "Classifier"
    files: "ModelFiles"
    base: "Classifier | None"


def device_of(name: str) -> str:
    """Return the device to run on; raise UsageError where it is not there."""
    try:
        import torch
    except ImportError as error:
        raise UsageError(
            "opening a model needs torch and transformers; pip install 'corpus-guard[models]'"
        ) from error
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"there is no device {safe_text(name, 40)}; leave --device out") from error
    return name


def take_in_all(target: str, base: str | None, adapter: str | None) -> TakenIn:
    """Return the files of a model, its base and its adapter, each read once; see `take_in`."""
    return TakenIn(
        model=take_in(target),
        base=take_in(base) if base else None,
        adapter=take_in(adapter) if adapter else None,
    )


def open_causal(given: TakenIn, meter: Meter, *, context: str = "", device: str = "cpu") -> Opened:
    """Return a model that writes, with an adapter merged into it where there is one.

    `context` is what stands around a prompt, see `corpus_guard.model.framing.around_prompt`; "" is the
    chat template, or nothing where there is none. Raises UsageError for a model that does not write, and
    where an adapter lacks its base.
    """
    opened = open_model(given, meter, context=context, device=device)
    if isinstance(opened, OpenedClassifier):
        raise UsageError(f"{_shown(given.model)} classifies; only models that write are repaired")
    return opened


def open_model(
    given: TakenIn, meter: Meter, *, context: str = "", device: str = "cpu"
) -> Opened | OpenedClassifier:
    """Return a model of either kind; see `open_causal`."""
    from corpus_guard.model.classifier import Classifier
    from corpus_guard.model.loading import load

    files, base = given.model, given.base
    loaded = _loaded(given, device)
    compared = load(base, device=device) if base else None
    if base and compared and compared.kind != loaded.kind:
        raise UsageError(f"{_shown(base)} is of another kind than the model; name its own base")
    if loaded.kind == "classifier":
        made = [
            None if one is None else Classifier(one.model, one.tokenizer, meter, device=device)
            for one in (loaded, compared)
        ]
        return OpenedClassifier(model=cast("Classifier", made[0]), files=files, base=made[1])
    frame = _frame(loaded, context)
    return Opened(
        model=_causal(loaded, frame, meter),
        files=files,
        whole=base if files.kind == "adapter" and base else files,
        loaded=loaded,
        base=_causal(compared, frame, meter) if compared else None,
    )


def _loaded(given: TakenIn, device: str) -> "Loaded":
    """Return the model itself, an adapter merged into it where there is one."""
    from corpus_guard.model.adapters import load_adapter
    from corpus_guard.model.loading import load

    if given.model.kind == "adapter":
        if given.base is None:
            raise UsageError(f"{_shown(given.model)} is an adapter; give its --base too")
        if given.adapter is not None:
            raise UsageError(
                f"{_shown(given.model)} is an adapter; name what it adapts as the model to use --adapter"
            )
        return load_adapter(given.base, given.model, device=device)
    if given.adapter:
        return load_adapter(given.model, given.adapter, device=device)
    return load(given.model, device=device)


def _shown(files: "ModelFiles") -> str:
    return safe_text(files.name, 300)


def _causal(loaded: "Loaded", frame: Frame, meter: Meter) -> "CausalModel":
    from corpus_guard.model.causal import CausalModel

    return CausalModel(loaded.model, loaded.tokenizer, frame, meter)


def _frame(loaded: "Loaded", context: str) -> Frame:
    """Return what stands around a prompt: a context, or else the model's chat template if it has one."""
    from corpus_guard.model.templates import render

    tokenizer, template = loaded.tokenizer, loaded.template
    wanted = context or ("none" if template is None else "chat")
    first = tokenizer("a")["input_ids"][:1]
    starts = tokenizer.bos_token_id is not None and first == [tokenizer.bos_token_id]

    def rendered(messages: Any, tools: Any = None) -> str:  # noqa: ANN401
        return render(
            str(template), messages, tools=tools,
            bos_token=tokenizer.bos_token or "", eos_token=tokenizer.eos_token or "",
        )  # fmt: skip

    around = around_prompt(wanted, None if template is None else rendered)
    name = wanted if wanted in CONTEXTS else "file"
    return frame_of(name, around, tokenizer, bos=starts and name in ("none", "file"))
