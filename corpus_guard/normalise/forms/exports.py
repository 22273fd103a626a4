"""What annotation tools and chat programs export, each as a plain record.

Sources: Label Studio, "Export annotations" (JSON); Argilla, "Dataset" (records as dicts); Prodigy,
"Annotation interfaces" (`accept`, `spans`, `answer`); OpenAI, "Batch API" and the data export of
ChatGPT (`conversations.json`); spaCy, "Training data" (`cats`); fastText, "Text classification";
Google, "Gemini API: contents"; OpenAssistant, "OASST trees".
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, object]
Plain = dict[str, object]
MOST_MESSAGES = 65_536
SCORED = ("cats", "label", "labels", "classes", "categories")
MOST_SCORED, HALF = 64, 0.5
LABEL_MARK = "__label__"


@dataclass(frozen=True, slots=True)
class Export:
    """A tool's way to write a record: how one is told, and how it is made plain."""

    name: str
    fits: Callable[[Record], bool]
    plain: Callable[[Record], Plain]


def _is_label_studio(record: Record) -> bool:
    marks = record.get("annotations", record.get("completions"))
    return isinstance(record.get("data"), Mapping) and isinstance(marks, list)


def _label_studio(record: Record) -> Plain:
    """Return the task's data with the choice of its first annotation, each other one beside it."""
    rest = {name: value for name, value in record.items() if name != "data"}
    data: Any = record["data"]
    found: Plain = {str(name): value for name, value in data.items()}
    chosen = _choices(record)
    if chosen:
        found.setdefault("label" if len(chosen[0]) < 100 else "response", chosen[0])
    return _beside(found, rest)


def _choices(record: Record) -> list[str]:
    """Return what the annotations of a task choose, rate or write, in order."""
    marks = record.get("annotations", record.get("completions"))
    return [
        text
        for mark in _list(marks)
        if isinstance(mark, Mapping) and not mark.get("was_cancelled")
        for result in _list(mark.get("result"))
        for text in _result(result)
    ]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _result(result: object) -> Iterator[str]:
    value = result.get("value") if isinstance(result, Mapping) else None
    if not isinstance(value, Mapping) or "start" in value:
        return
    for kind in ("choices", "taxonomy", "text", "rating", "number"):
        said = value.get(kind)
        if isinstance(said, list) and said:
            yield ", ".join(sorted(str(item) for item in said))
        elif isinstance(said, str | int | float):
            yield str(said)


def _is_argilla(record: Record) -> bool:
    return isinstance(record.get("fields"), Mapping) and bool(
        {"responses", "suggestions", "annotation", "metadata"} & record.keys()
    )


def _argilla(record: Record) -> Plain:
    fields: Any = record["fields"]
    found: Plain = {str(name): value for name, value in fields.items()}
    rest = {name: value for name, value in record.items() if name != "fields"}
    for name, value in _answers(record.get("responses")) or _answers(record.get("suggestions")):
        found.setdefault(name if name not in fields else f"{name} (response)", value)
    return _beside(found, rest)


def _answers(given: object) -> list[tuple[str, object]]:
    """Return what was answered to each question: {question: [{value: …}]} or [{values: {…}}]."""
    found: list[tuple[str, object]] = []
    if isinstance(given, list) and given and isinstance(given[0], Mapping):
        given = given[0].get("values", given[0])
    if isinstance(given, Mapping):
        for name, answers in given.items():
            one = answers[0] if isinstance(answers, list) and answers else answers
            value = one.get("value") if isinstance(one, Mapping) else one
            if value is not None:
                found.append((str(name), value))
    return found


def _is_argilla_columns(record: Record) -> bool:
    return any(name.endswith(".responses") for name in record if isinstance(name, str))


def _argilla_columns(record: Record) -> Plain:
    """Return a row as Argilla pushes it to a hub: `question.responses` beside the fields."""
    found: Plain = {}
    for name, value in record.items():
        question, _, part = name.rpartition(".")
        if part == "responses" and isinstance(value, list) and value:
            found[question] = value[0]
            if len(value) > 1:
                found[name] = value
        else:
            found[name] = value
    return found


def _is_prodigy(record: Record) -> bool:
    return "_input_hash" in record and "_task_hash" in record


def _prodigy(record: Record) -> Plain:
    found: Plain = dict(record)
    accepted = found.get("accept")
    if isinstance(accepted, list) and "label" not in found:
        found["label"] = ", ".join(sorted(map(str, accepted))) or None
        del found["accept"]
    return found


def _is_chatgpt(record: Record) -> bool:
    nodes = record.get("mapping")
    return isinstance(nodes, Mapping) and any(
        isinstance(node, Mapping) and "message" in node and "children" in node
        for node in nodes.values()
    )


def _chatgpt(record: Record) -> Plain:
    """Return a conversation: the branch that is shown first, then what else was said."""
    nodes: Any = record["mapping"]
    shown = _branch(nodes, record.get("current_node"))
    order = [*shown, *(name for name in nodes if name not in set(shown))][:MOST_MESSAGES]
    messages, rest = [], []
    for name in order:
        node = nodes[name]
        message = node.get("message") if isinstance(node, Mapping) else None
        plain = _message(message)
        if plain is not None:
            messages.append(plain)
        elif message:
            rest.append(message)
    found: Plain = {"messages": messages, "(other nodes)": rest or None}
    beside = {name: value for name, value in record.items() if name != "mapping"}
    return _beside(found, beside)


def _branch(nodes: Mapping[str, Any], last: object) -> list[str]:
    """Return the nodes from the root to the last; in the order of the file where none is named."""
    found: list[str] = []
    seen: set[object] = set()
    while (
        isinstance(last, str) and last in nodes and last not in seen and len(seen) < MOST_MESSAGES
    ):
        found.append(last)
        seen.add(last)
        last = nodes[last].get("parent") if isinstance(nodes[last], Mapping) else None
    return found[::-1]


def _message(message: object) -> Plain | None:
    """Return a message of ChatGPT's export as role and content; None for one that says nothing."""
    if not isinstance(message, Mapping) or not isinstance(message.get("author"), Mapping):
        return None
    content = message.get("content")
    parts = content.get("parts", content.get("text")) if isinstance(content, Mapping) else content
    said = "\n".join(str(part) for part in parts) if isinstance(parts, list) else parts
    rest = {name: value for name, value in message.items() if name not in ("author", "content")}
    return {"role": message["author"].get("role"), "content": said, **rest} if said else None


def _is_batch_answer(record: Record) -> bool:
    return _batch_choice(record) is not None


def _batch_choice(record: Record) -> Mapping[str, object] | None:
    """Return the message that a model answered with: `response.body.choices[0].message`."""
    value: Any = record
    for name in ("response", "body", "choices"):
        inner = value.get(name) if isinstance(value, Mapping) else None
        value = inner if isinstance(inner, Mapping | list) else value
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        message = value[0].get("message")
        return message if isinstance(message, Mapping) and "role" in message else None
    return None


def _batch_answer(record: Record) -> Plain:
    """Return an answered request as a chat; what was asked may stand beside it."""
    message = _batch_choice(record)
    asked = record.get("request", record.get("body", record))
    asked = asked.get("body", asked) if isinstance(asked, Mapping) else asked
    before = asked.get("messages") if isinstance(asked, Mapping) else None
    turns = [*(before if isinstance(before, list) else ()), message]
    rest = {name: value for name, value in record.items() if name != "messages"}
    return _beside({"messages": turns}, rest)


def _is_scored(record: Record) -> bool:
    return _scores(record) is not None


def _scores(record: Record) -> str | None:
    """Return the field that gives each label a score in [0, 1] or says whether it applies."""
    for name in SCORED:
        scores = record.get(name)
        if isinstance(scores, Mapping) and 2 <= len(scores) <= MOST_SCORED:
            if all(isinstance(score, int | float) and 0 <= score <= 1 for score in scores.values()):
                return name
    return None


def _scored(record: Record) -> Plain:
    name = _scores(record) or ""
    scores: Any = record[name]
    chosen = [str(label) for label, score in scores.items() if score > HALF]
    return {**record, name: None, "label": chosen or None, f"{name} (scores)": scores}


def _is_fasttext(record: Record) -> bool:
    return _marked(record) is not None


def _marked(record: Record) -> str | None:
    found = (n for n, v in record.items() if isinstance(v, str) and v.startswith(LABEL_MARK))
    return next(found, None)


def _fasttext(record: Record) -> Plain:
    """Return a text with the labels that it begins with apart: `__label__a __label__b text`."""
    name = _marked(record) or ""
    words = str(record[name]).split(" ")
    count = next((at for at, w in enumerate(words) if not w.startswith(LABEL_MARK)), len(words))
    labels = [word.removeprefix(LABEL_MARK) for word in words[:count]]
    rest = {key: value for key, value in record.items() if key != name}
    return _beside({"text": " ".join(words[count:]), "label": labels}, rest)


def _beside(found: Plain, rest: Record) -> Plain:
    """Return a record with what else was exported, under names that say so."""
    for name, value in rest.items():
        found[name if name not in found else f"{name} (export)"] = value
    return found


EXPORTS: tuple[Export, ...] = (
    Export("Label Studio", _is_label_studio, _label_studio),
    Export("Argilla", _is_argilla, _argilla),
    Export("Argilla", _is_argilla_columns, _argilla_columns),
    Export("Prodigy", _is_prodigy, _prodigy),
    Export("ChatGPT export", _is_chatgpt, _chatgpt),
    Export("fastText", _is_fasttext, _fasttext),
    Export("scores by label", _is_scored, _scored),
    Export("batch answers", _is_batch_answer, _batch_answer),
)


def export_of(record: Record) -> Export | None:
    """Return the export that a record is of, or None."""
    return next((export for export in EXPORTS if export.fits(record)), None)
