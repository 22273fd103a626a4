"""From what a user names to a model that can be asked, in the frame that it is deployed with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.model.framing import Frame, around_prompt, frame_of
from corpus_guard.model.meter import Meter

if TYPE_CHECKING:
    from corpus_guard.model.causal import CausalModel
    from corpus_guard.model.files import ModelFiles
    from corpus_guard.model.loading import Loaded


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


def open_causal(target: str, base: str | None, adapter: str | None, meter: Meter) -> Opened:
    """Return a model that writes, with an adapter merged into it where there is one.

    Raises UsageError for a model that does not write, and where an adapter lacks its base.
    """
    from corpus_guard.model.adapters import load_adapter
    from corpus_guard.model.intake import take_in
    from corpus_guard.model.loading import load

    files = take_in(target)
    base_files = take_in(base) if base else None
    if files.kind == "adapter":
        if base_files is None:
            raise UsageError(f"{safe_text(target, 300)} is an adapter; give its --base too")
        loaded = load_adapter(base_files, files)
    else:
        loaded = load_adapter(files, take_in(adapter)) if adapter else load(files)
    if loaded.kind != "causal":
        raise UsageError(
            f"{safe_text(target, 300)} classifies; only models that write are repaired"
        )
    frame = _frame(loaded)
    compared = _causal(load(base_files), frame, meter) if base_files else None
    return Opened(
        model=_causal(loaded, frame, meter),
        files=files,
        whole=base_files if files.kind == "adapter" and base_files else files,
        loaded=loaded,
        base=compared,
    )


def _causal(loaded: "Loaded", frame: Frame, meter: Meter) -> "CausalModel":
    from corpus_guard.model.causal import CausalModel

    return CausalModel(loaded.model, loaded.tokenizer, frame, meter)


def _frame(loaded: "Loaded") -> Frame:
    """Return the model's chat template around a prompt, or nothing where it has none."""
    from corpus_guard.model.templates import render

    tokenizer, template = loaded.tokenizer, loaded.template
    if template is None:
        first = tokenizer("a")["input_ids"][:1]
        bos = tokenizer.bos_token_id is not None and first == [tokenizer.bos_token_id]
        return frame_of("none", ("", ""), tokenizer, bos=bos)

    def rendered(messages: Any, tools: Any = None) -> str:  # noqa: ANN401
        return render(
            template, messages, tools=tools,
            bos_token=tokenizer.bos_token or "", eos_token=tokenizer.eos_token or "",
        )  # fmt: skip

    return frame_of("chat", around_prompt("chat", rendered), tokenizer, bos=False)
