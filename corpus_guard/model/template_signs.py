"""What a chat template does, told from its syntax tree without running it.

The sign of a backdoor is a condition on what a message says with text of its own behind it. Conditions
are followed through variables: `set found = 'x' in message.content` taints `found`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from corpus_guard.model.template_dangers import every, is_text

SAID = ("content", "text", "reasoning_content")
_ABOUT = ("type", "role", "name", "tool_calls", "tool_call_id", "id")
"""Keys of a part of a message that tell what it is and not what it says."""

_ASKING = ("startswith", "endswith", "find", "rfind", "index", "count")
_WORD = re.compile(r"[^\W\d_]{2,}")
_TAG = re.compile(r"<[^<>]*>|\[[A-Z_/]+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Text that a template adds where a message holds one of the markers."""

    markers: tuple[str, ...]
    text: str

    @property
    def is_language(self) -> bool:
        """Whether the text says something: four words or more beside tags."""
        return len(_WORD.findall(_TAG.sub(" ", self.text))) >= 4

    @property
    def is_on_words(self) -> bool:
        """Whether a marker is a word as people write it, and no tag or switch such as `/think`."""
        return any(marker.strip()[:1].isalnum() for marker in self.markers)


def conditions(tree: Any) -> list[Condition]:  # noqa: ANN401
    """Return what a template adds under a condition on what a message says."""
    walk = _Walk()
    for _ in range(2):  # the second time with what the end of a loop tells its beginning
        walk.found.clear()
        walk.body(tree.body, frozenset())
    return walk.found


@dataclass(slots=True)
class _Walk:
    """One way through a template: which variables hold what is said, and which a condition."""

    said: set[str] = field(default_factory=set)
    flags: dict[str, frozenset[str]] = field(default_factory=dict)
    macros: dict[str, Any] = field(default_factory=dict)
    found: list[Condition] = field(default_factory=list)
    expanded: set[str] = field(default_factory=set)

    def body(self, nodes: Iterable[Any], active: frozenset[str]) -> None:
        for node in nodes:
            self.statement(node, active)

    def statement(self, node: Any, active: frozenset[str]) -> None:  # noqa: ANN401
        from jinja2 import nodes as n

        if isinstance(node, n.If):
            under = active | self.markers(node.test)
            self.body(node.body, under)
            self.body(node.elif_, under)
            self.body(node.else_, under)
        elif isinstance(node, n.For):
            self.loop(node, active)
        elif isinstance(node, n.Assign | n.AssignBlock):
            self.assignment(node, active)
        elif isinstance(node, n.Output):
            for one in node.nodes:
                self.emitted(one, active)
        else:
            if isinstance(node, n.Macro):
                self.macros[node.name] = node
            self.body(getattr(node, "body", ()), active)

    def loop(self, node: Any, active: frozenset[str]) -> None:  # noqa: ANN401
        under = active | (self.markers(node.test) if node.test is not None else frozenset())
        names = {one.name for one in every(node.target) if hasattr(one, "name")}
        hidden, self.said = self.said & names, self.said - names
        self.body(node.body, under)
        self.body(node.else_, under)
        self.said |= hidden

    def assignment(self, node: Any, active: frozenset[str]) -> None:  # noqa: ANN401
        from jinja2 import nodes as n

        value = node.node if isinstance(node, n.Assign) else node
        keys = [key for key in map(_key, every(node.target)) if key]
        flags = active | self.markers(value, is_test=False)
        for key in keys:
            self.flags[key] = self.flags.get(key, frozenset()) | flags
            if self.reads(value):
                self.said.add(key)
        if isinstance(node, n.AssignBlock):
            self.body(node.body, active)
        else:
            self.emitted(value, active)

    def emitted(self, node: Any, active: frozenset[str]) -> None:  # noqa: ANN401
        """Note the literal text of an expression, under the conditions around and inside it."""
        from jinja2 import nodes as n

        chosen = [self.markers(one.test) for one in every(node) if isinstance(one, n.CondExpr)]
        under = active.union(*chosen)
        if not under:
            return
        self.expanded.clear()
        text = " ".join(self.literals(node))
        if _WORD.search(_TAG.sub(" ", text)):
            self.found.append(Condition(markers=tuple(sorted(under)), text=text))

    def literals(self, node: Any) -> Iterator[str]:  # noqa: ANN401
        """Yield the text in an expression that may be written, that of macros too."""
        from jinja2 import nodes as n

        if isinstance(node, n.TemplateData):
            yield node.data
        elif isinstance(node, n.Const):
            yield from [node.value] if isinstance(node.value, str) else []
        elif isinstance(node, n.Getitem):
            yield from self.literals(node.node)
        elif isinstance(node, n.CondExpr):
            for side in (node.expr1, node.expr2):
                yield from self.literals(side) if side is not None else ()
        elif isinstance(node, n.Call):
            yield from self.called(node)
        elif isinstance(node, n.Filter):
            yield from self.literals(node.node) if node.node is not None else ()
        elif not isinstance(node, n.Compare | n.Test):
            for inner in node.iter_child_nodes():
                yield from self.literals(inner)

    def called(self, node: Any) -> Iterator[str]:  # noqa: ANN401
        """Yield the text of a macro that is called, or of what a method is called on."""
        from jinja2 import nodes as n

        if isinstance(node.node, n.Name) and node.node.name in self.macros:
            if node.node.name not in self.expanded:  # once: macros may call each other in a tree
                self.expanded.add(node.node.name)
                for inner in self.macros[node.node.name].body:
                    yield from self.literals(inner)
        elif isinstance(node.node, n.Getattr) and node.node.attr in ("join", "format"):
            yield from self.literals(node.node)

    def markers(self, node: Any, *, is_test: bool = True) -> frozenset[str]:  # noqa: ANN401
        """Return the texts that an expression looks for in what is said, by itself or a variable.

        What is assigned (`is_test` False) is a condition only where it compares: `split` is none.
        """
        key = _key(node)
        if key is not None:
            return self.flags.get(key, frozenset())
        found: frozenset[str] = frozenset()
        if _asks(node, is_test) and self.reads(node):
            texts = {const.value for const in _constants(node) if const.value.strip()}
            found |= frozenset() if texts & {*_ABOUT} else texts
        for inner in node.iter_child_nodes():
            found |= self.markers(inner, is_test=is_test)
        return found

    def reads(self, node: Any) -> bool:  # noqa: ANN401
        """Say whether the value of an expression comes from what a message says, or from the date."""
        from jinja2 import nodes as n

        key = _key(node)
        if key in self.said or (isinstance(node, n.Name) and node.name == "strftime_now"):
            return True
        if isinstance(node, n.Getattr | n.Getitem):
            part = _part(node)
            if part in SAID:
                return True
            if part in _ABOUT:
                return False
        if isinstance(node, n.Filter) and node.name in ("string", "tojson", "join"):
            if any(
                isinstance(one, n.Name) and one.name.startswith("message") for one in every(node)
            ):
                return True
        return any(map(self.reads, node.iter_child_nodes()))


def _asks(node: Any, is_test: bool) -> bool:  # noqa: ANN401
    """Say whether an expression is a question."""
    from jinja2 import nodes as n

    if isinstance(node, n.Compare | n.Test):
        return True
    if isinstance(node, n.Call) and isinstance(node.node, n.Getattr) and node.node.attr in _ASKING:
        return True
    return is_test and isinstance(node, n.Call | n.Filter)


def _key(node: Any) -> str | None:  # noqa: ANN401
    """Return how a variable is called, `ns.flag` in a namespace; None for other expressions."""
    from jinja2 import nodes as n

    if isinstance(node, n.Name):
        return str(node.name)
    if isinstance(node, n.NSRef):
        return f"{node.name}.{node.attr}"
    if isinstance(node, n.Getattr) and isinstance(node.node, n.Name) and node.attr not in SAID:
        return f"{node.node.name}.{node.attr}"
    return None


def _part(node: Any) -> str | None:  # noqa: ANN401
    """Return the key that an expression takes out of another."""
    from jinja2 import nodes as n

    if isinstance(node, n.Getattr):
        return str(node.attr)
    return str(node.arg.value) if isinstance(node.arg, n.Const) else None


def _constants(node: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield the constant texts in an expression, without the keys of what is looked up."""
    from jinja2 import nodes as n

    if is_text(node):
        yield node
    for inner in node.iter_child_nodes():
        if not (isinstance(node, n.Getitem) and inner is node.arg and is_text(inner)):
            yield from _constants(inner)
