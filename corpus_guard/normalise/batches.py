"""Turn blocks of records into batches of the fixed schema."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b

import pyarrow as pa

from corpus_guard.normalise.fields import as_text, chat_turns, field_value, is_message_list
from corpus_guard.types import BATCH_SCHEMA, Layout, RecordBlock

_ROLES = ("record_id", "text", "prompt", "response", "rejected", "label", "source", "url", "time")


def to_batch(block: RecordBlock, layout: Layout) -> pa.RecordBatch:
    """Return the block as one batch of `BATCH_SCHEMA`; no text is lost.

    Every field in no role goes to `other`, nested values flattened to `path: value` lines.
    """
    if layout.kind in ("chat", "preference"):
        columns = _by_message(block.fields, layout)
    else:
        columns = _by_field(block.fields, layout)
    arrays = {
        "row": pa.array(block.rows, pa.int64()),
        "byte_offset": pa.array(block.byte_offsets, pa.int64()),
        "sha256": pa.array(block.digests, pa.binary(32)),
        "oddity": pa.array(block.oddities, pa.string()),
        **{name: _strings(values) for name, values in columns.items()},
    }
    count = len(block.rows)
    return pa.RecordBatch.from_arrays(
        [arrays.get(field.name, pa.nulls(count, field.type)) for field in BATCH_SCHEMA],
        schema=BATCH_SCHEMA,
    )


def keep_sample(block: RecordBlock, share: float, seed: int) -> RecordBlock:
    """Return the records that a share of all records, chosen by content and seed, contains."""
    bound = int(share * 2**64)
    key = seed.to_bytes(16, "little", signed=True)
    kept = [
        place
        for place, digest in enumerate(block.digests)
        if int.from_bytes(blake2b(digest, digest_size=8, key=key).digest(), "little") < bound
    ]
    return replace(
        block,
        rows=[block.rows[place] for place in kept],
        byte_offsets=[block.byte_offsets[place] for place in kept],
        digests=[block.digests[place] for place in kept],
        fields=[block.fields[place] for place in kept],
        oddities=[block.oddities[place] for place in kept],
    )


def _strings(values: list[str | None]) -> pa.Array:
    """Return strings as Arrow; halves of surrogate pairs, which UTF-8 cannot hold, are replaced."""
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array([_encodable(value) for value in values], pa.string())


def _encodable(value: str | None) -> str | None:
    return (
        None
        if value is None
        else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


def _by_field(
    records: Iterable[Mapping[str, object]], layout: Layout
) -> dict[str, list[str | None]]:
    records = list(records)
    columns: dict[str, list[str | None]] = {}
    for role in _ROLES:
        names = layout.roles.get(role, ())
        if len(names) == 1:
            columns[role] = [as_text(field_value(record, names[0])) for record in records]
        elif names:
            columns[role] = [_joined(record, names) for record in records]
    used = frozenset(name for names in layout.roles.values() for name in names)
    columns["other"] = [_others(record, used) for record in records]
    return columns


def _joined(record: Mapping[str, object], names: tuple[str, ...]) -> str | None:
    parts = [as_text(field_value(record, name)) for name in names]
    present = [part for part in parts if part]
    return "\n".join(present) if present else None


def _others(record: Mapping[str, object], used: frozenset[str]) -> str | None:
    if used.issuperset(record):
        return None
    lines = [
        f"{name}: {text}"
        for name, value in record.items()
        if name not in used and (text := as_text(value))
    ]
    return "\n".join(lines) or None


def _by_message(
    records: Iterable[Mapping[str, object]], layout: Layout
) -> dict[str, list[str | None]]:
    used = frozenset(name for names in layout.roles.values() for name in names)
    columns: dict[str, list[str | None]] = {name: [] for name in (*_ROLES, "other")}
    for record in records:
        texts = _messages(record, layout)
        rest = [_others(record, used), *texts.pop("rest")]
        for role in ("record_id", "text", "label", "source", "url", "time"):
            columns[role].append(_joined(record, layout.roles.get(role, ())))
        for role in ("prompt", "response", "rejected"):
            columns[role].append("\n".join(part for part in texts[role] if part) or None)
        columns["other"].append("\n".join(part for part in rest if part) or None)
    return columns


def _messages(record: Mapping[str, object], layout: Layout) -> dict[str, list[str]]:
    """Return the texts of prompt, response and rejected, and the rest, of a chat or a preference."""
    found: dict[str, list[str]] = {"prompt": [], "response": [], "rejected": [], "rest": []}
    chats = frozenset(layout.roles.get("prompt", ())) & frozenset(layout.roles.get("response", ()))
    for role in ("prompt", "response", "rejected"):
        for name in layout.roles.get(role, ()):
            if name in chats and role == "response":
                continue  # read with the prompts
            value = field_value(record, name)
            if not is_message_list(value):
                found[role].append(as_text(value) or "")
                continue
            prompts, responses, rest = chat_turns(value)
            found["rest"].extend(rest)
            if name in chats:
                found["prompt"].extend(prompts)
                found["response"].extend(responses)
            elif role == "prompt":
                found["prompt"].extend([*prompts, *responses])
            else:
                found[role].extend(responses)
                if not layout.roles.get("prompt") and role == "response":
                    found["prompt"].extend(prompts)
                else:
                    found["rest"].extend(prompts)
    return found
