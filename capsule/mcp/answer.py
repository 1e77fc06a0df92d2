"""What a client gets for a call: structured content, and blocks with text, images and files."""

from __future__ import annotations

import json
import mimetypes
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from capsule.mcp.images import images_of
from capsule.mcp.refusal_notes import notes_on
from capsule.mcp.tool_definition import SCHEME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.errors import CapsuleError
    from capsule.mcp.python_call import CallOutcome
    from capsule.mcp.server_grants import Granted
    from capsule.sessions.scratch_files import FileChange

# In characters: of a result as JSON, of texts, of a message, of a traceback.
MOST_RESULT, _MOST_TEXT, _MOST_MESSAGE, _MOST_TRACEBACK = 20_000, 20_000, 4_000, 6_000
_MOST_FILES = 50
# Between what was raised one after another, and of a line of code.
_CHAIN = re.compile(
    "\n\n(During handling of the above exception, another exception occurred"
    "|The above exception was the direct cause of the following exception):\n\n"
)
_FRAME = '  File "'
# Files of text up to this size, and so many bytes in all, are in the answer itself.
_EMBEDDED, _ALL_EMBEDDED = 4 << 10, 16 << 10


def answer_of(outcome: CallOutcome, granted: Granted) -> dict[str, Any]:
    """Return the answer of a call, as the protocol has it."""
    envelope, shown = outcome.envelope, outcome.shown
    displays = shown.get("displays")
    displays = displays if isinstance(displays, list) else []
    images, notes = images_of(displays)
    result, text = _value(shown, displays, notes)
    error = _bounded(envelope["error"])
    if outcome.left_out:
        notes.append(
            f"{outcome.left_out:,} bytes of output are left out, from the middle: print less, or"
            " write to a file and print parts of it"
        )
    notes += notes_on(envelope["error"], granted)
    if outcome.trouble is not None:
        notes.append(f"The state of this call could not be kept: {outcome.trouble}")
    files = [_entry(change, outcome.state) for change in outcome.changes[:_MOST_FILES]]
    if len(outcome.changes) > _MOST_FILES:
        notes.append(f"{len(outcome.changes) - _MOST_FILES} more files changed")
    execution = envelope["execution"]
    structured = {
        "result": result,
        "text": text,
        "stdout": outcome.stdout,
        "stderr": outcome.stderr,
        "error": error,
        "notes": notes,
        "files": files,
        "images": len(images),
        "state": outcome.state,
        "execution": {
            name: execution[name] for name in ("duration_ms", "fuel_consumed", "ram_used")
        },
    }
    content = [
        {"type": "text", "text": json.dumps(structured, ensure_ascii=False)},
        *({"type": "image", "data": each.data, "mimeType": each.kind} for each in images),
        *_file_blocks(files, outcome.contents),
    ]
    return {"content": content, "structuredContent": structured, "isError": error is not None}


def refusal_of(error: CapsuleError) -> dict[str, Any]:
    """Return the answer of a call of which nothing could run."""
    text = f"Nothing has run: {error.message}"
    if error.hint is not None:
        text += f"\ntry: {error.hint}"
    return {"content": [{"type": "text", "text": text}], "isError": True}


def _value(shown: Mapping[str, Any], displays: list[Any], notes: list[str]) -> tuple[object, str]:
    """Return a value that is JSON, or its text, with the texts of what was displayed."""
    value, said = shown.get("value"), shown.get("text")
    text = said if isinstance(said, str) else ""
    texts = []
    for each in displays:
        plain = each.get("text/plain") if isinstance(each, dict) else None
        if isinstance(plain, str) and plain != text and not _has_image(each):
            texts.append(plain)
    if shown.get("is_json"):
        if len(json.dumps(value, ensure_ascii=False)) > MOST_RESULT:
            notes.append(
                f"the result is more than {MOST_RESULT:,} characters of JSON, so that its text is"
                " shown, cut: give a part, or write it to a file"
            )
            value = None
        else:
            text = ""
    whole = "\n".join([text, *texts]) if text else "\n".join(texts)
    if len(whole) > _MOST_TEXT + 100:
        notes.append("text is cut: display less")
        whole = whole[:_MOST_TEXT]
    return value, whole


def _has_image(display: Mapping[str, Any]) -> bool:
    return "image/png" in display or "image/jpeg" in display


def _bounded(error: Any) -> dict[str, str] | None:
    if error is None:
        return None
    found = {"error_type": error["error_type"], "message": _cut(error["message"], _MOST_MESSAGE)}
    if traceback := error.get("traceback"):
        found["traceback"] = _cut(_frames(traceback, error["message"]), _MOST_TRACEBACK)
    return found


def _frames(traceback: str, message: str) -> str:
    """Return a traceback without the message, which a model need not read again.

    It ends with that, under the full name of its class; what was raised on the way to it, outside
    of the code, often says the same.

    >>> _frames('Traceback ...\\n  File "turn 1", line 2\\nlib.Oops: no', "Oops: no")
    'Traceback ...\\n  File "turn 1", line 2'
    """
    parts = _CHAIN.split(traceback.rstrip("\n"))
    text = parts[-1]
    for part, between in reversed(list(zip(parts[:-1:2], parts[1::2], strict=True))):
        if _FRAME in part or part.partition(": ")[2] not in message:
            text = f"{part}\n\n{between}:\n\n{text}"
    if text.endswith(message):
        text = text[: text.rfind("\n", 0, len(text) - len(message)) + 1]
    return text.rstrip("\n")


def _cut(text: str, most: int) -> str:
    """Return both ends of a text that is long.

    >>> _cut("abcdefgh", 4)
    'ab ... 4 characters left out ... gh'
    """
    if len(text) <= most:
        return text
    half, gap = most // 2, len(text) - most
    return f"{text[:half]} ... {gap:,} characters left out ... {text[-half:]}"


def _entry(change: FileChange, state: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"name": change.name, "size": change.size, "change": change.change}
    if state is not None and change.change != "gone":
        found["uri"] = f"{SCHEME}://{state}/{quote(change.name)}"
    return found


def _file_blocks(
    files: list[dict[str, Any]], contents: Mapping[str, bytes]
) -> list[dict[str, Any]]:
    """Return small files of text as they are, and links to all others."""
    found, left = [], _ALL_EMBEDDED
    for entry in files:
        if "uri" not in entry:
            continue
        kind = mime_type(entry["name"])
        text = as_text(contents.get(entry["name"], b"")) if entry["size"] <= _EMBEDDED else None
        if text is not None and entry["size"] <= left:
            left -= entry["size"]
            resource = {"uri": entry["uri"], "mimeType": kind, "text": text}
            found.append({"type": "resource", "resource": resource})
        else:
            link = {"uri": entry["uri"], "name": entry["name"], "size": entry["size"]}
            found.append({"type": "resource_link", "mimeType": kind, **link})
    return found


def as_text(data: bytes) -> str | None:
    """Return the text that a file is, None for one that is none."""
    try:
        return None if b"\0" in data else data.decode()
    except UnicodeDecodeError:
        return None


def mime_type(name: str) -> str:
    """Return what a file is, by its name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
