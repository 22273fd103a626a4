"""The layers of a transformer, found by what its settings say of them."""

from typing import Any

from corpus_guard.errors import UsageError


def layers_of(model: Any) -> Any:  # noqa: ANN401
    """Return the layers of a transformer, first to last; raise UsageError where they are not found.

    They are the outermost list of as many modules as the settings count layers of the part that writes;
    other lists, such as a vision tower's layers, may be longer.
    """
    import torch

    wanted = getattr(model.config.get_text_config(), "num_hidden_layers", None)
    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == wanted:
            return module
    raise UsageError(
        "the layers of this architecture are not known; only one that lists them can be looked into"
    )
