"""TOML of strangers, read at a cost that grows with its size and no faster.

`tomllib` notes every beginning of a dotted key, so a key costs the square of its parts, in time and
in memory: one of 60 KB took 3.5 GB. So keys are counted before it sees them.
"""

from __future__ import annotations

import re

# Of one dotted key, or of the name of a table.
MAX_PARTS = 32
# Lists, inline tables and brackets of a header within each other.
MAX_DEPTH = 64
# The squares of the parts of all keys that are dotted: 50,000 keys of two parts, 195 of 32.
MAX_SQUARES = 200_000

# What `tomllib` would read as one: the scan may see more strings than it does, never fewer, and
# where the two part `tomllib` stops with an error.
_TOKEN = re.compile(
    r"""
      (?P<part> "{3} (?: [^"\\]++ | \\. | "(?!"") )*+ "{3,5}
              | '{3} (?: [^']++ | '(?!'') )*+ '{3,5}
              | " (?: [^"\\\n]++ | \\[^\n] )*+ "
              | ' [^'\n]*+ '
              | [A-Za-z0-9_-]++ )
    | (?P<dot> \. )
    | (?P<open> [\[{] )
    | (?P<close> [\]}] )
    | (?P<broken> ["'] )
    | (?P<between> \#[^\n]*+ | [^\[\]{}."'\#A-Za-z0-9_\t\x20-]++ )
    """,
    re.VERBOSE | re.DOTALL,
)


class TomlBoundError(ValueError):
    """Raised when a text would cost more to read than its size; `str` of it says which bound."""


def loads(text: str) -> dict[str, object]:
    """Return what `tomllib.loads` does.

    Raises `TomlBoundError` for what is too much, and what `tomllib.loads` raises.

    >>> loads("a.b = 1")
    {'a': {'b': 1}}
    """
    check(text)
    # It costs as much as all of `capsule.policy`, and most tasks come without any TOML.
    import tomllib

    return tomllib.loads(text)


def check(text: str) -> None:
    """Raise `TomlBoundError` for a text that has a key of too many parts, or is nested too deeply.

    >>> check("a.b." * 20 + "c = 1")
    Traceback (most recent call last):
    capsule.bounded_toml.TomlBoundError: line 1: a dotted key of more than 32 parts
    """
    parts = depth = squares = 0
    joined = False
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "part":
            parts = parts + 1 if joined else 1
            joined = False
            if parts > MAX_PARTS:
                raise _too_much(text, token, f"a dotted key of more than {MAX_PARTS} parts")
            if parts > 1:
                # The next square number, where the one before it was counted already.
                squares += 2 * parts - 1
                if squares > MAX_SQUARES:
                    raise _too_much(text, token, "too many dotted keys")
            continue
        joined = kind == "dot" and parts > 0
        if joined:
            continue
        parts = 0
        if kind == "open":
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_much(text, token, f"nested too deeply, more than {MAX_DEPTH} levels")
        elif kind == "close":
            depth = max(depth - 1, 0)
        elif kind == "broken":
            return  # a string without an end: `tomllib` goes no further either


def _too_much(text: str, token: re.Match[str], what: str) -> TomlBoundError:
    line = text.count("\n", 0, token.start()) + 1
    return TomlBoundError(f"line {line}: {what}")
