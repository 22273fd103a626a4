"""What in a chat template leads out of a sandbox or never ends, told from its syntax tree."""

import re
from collections.abc import Iterator
from typing import Any

LARGEST_RANGE = 100_000
DEEPEST_RANGES = 2
_UNDER = re.compile(r"__\w+__|\A__|__\Z")
_NAMES = frozenset(
    ("eval", "exec", "compile", "open", "os", "sys", "subprocess", "globals", "locals", "getattr",
     "setattr", "lipsum")
)  # fmt: skip
_ATTRIBUTES = frozenset(
    ("popen", "subprocess", "mro", "func_globals", "func_code", "gi_frame", "gi_code", "f_globals",
     "f_builtins", "f_locals", "tb_frame", "cr_frame", "ag_frame")
)  # fmt: skip


def reached(tree: Any) -> set[str]:  # noqa: ANN401  # jinja2 has no types here
    """Return the names that a template reaches for and that lead out of a sandbox."""
    from jinja2 import nodes as n

    found = {
        type(one).__name__ for one in tree.find_all((n.Import, n.FromImport, n.Include, n.Extends))
    }
    attributes = [one.attr for one in tree.find_all(n.Getattr)]
    names = [one.name for one in tree.find_all(n.Name) if one.ctx == "load"]
    texts = []
    for one in tree.find_all((n.Getitem, n.Filter, n.Call)):
        texts += _looked_up(one)
        if isinstance(one, n.Filter) and one.name == "attr":
            found.add("attr filter")
    found |= _NAMES.intersection(names) | _ATTRIBUTES.intersection(attributes)
    return found | {name for name in (*attributes, *names, *texts) if _UNDER.search(name)}


def _looked_up(node: Any) -> list[str]:  # noqa: ANN401
    """Return the texts in an index, a filter or a format that may name an attribute."""
    from jinja2 import nodes as n

    if isinstance(node, n.Getitem):
        return [one.value for one in every(node.arg) if is_text(one)]
    if isinstance(node, n.Filter):
        is_one = node.name in (
            "attr",
            "map",
            "selectattr",
            "rejectattr",
            "groupby",
            "sort",
            "format",
        )
    else:
        is_one = isinstance(node.node, n.Getattr) and node.node.attr in ("format", "format_map")
    return [one.value for one in every(node) if is_text(one)] if is_one else []


def bombs(tree: Any) -> set[str]:  # noqa: ANN401
    """Return what in a template takes endless time or memory, in words."""
    from jinja2 import nodes as n

    found = set()
    for one in tree.find_all((n.Mul, n.Pow)):
        values = [side.value for side in (one.left, one.right) if isinstance(side, n.Const)]
        if isinstance(one, n.Pow) or any(type(v) is int and v > LARGEST_RANGE for v in values):
            found.add("repeats a text or takes a power")
    for one in tree.find_all(n.Call):
        if isinstance(one.node, n.Name) and one.node.name == "range":
            ends = [arg.value for arg in one.args if isinstance(arg, n.Const)]
            if any(type(end) is int and end > LARGEST_RANGE for end in ends):
                found.add("counts further than any chat is long")
    if _depth_of_ranges(tree) > DEEPEST_RANGES:
        found.add("counts inside of counting")
    return found


def _depth_of_ranges(node: Any) -> int:  # noqa: ANN401
    from jinja2 import nodes as n

    deepest = max(map(_depth_of_ranges, node.iter_child_nodes()), default=0)
    counts = isinstance(node, n.For) and any(
        isinstance(call.node, n.Name) and call.node.name == "range"
        for call in (node.iter, *node.iter.find_all(n.Call))
        if isinstance(call, n.Call)
    )
    return deepest + counts


def every(node: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield a node and all below it."""
    yield node
    for inner in node.iter_child_nodes():
        yield from every(inner)


def is_text(node: Any) -> bool:  # noqa: ANN401
    """Say whether a node is a constant text."""
    from jinja2 import nodes as n

    return isinstance(node, n.Const) and isinstance(node.value, str)
