"""What a model reads of an error: each thing once."""

from __future__ import annotations

import pytest

from capsule.mcp.answer import _frames

DURING = "\n\nDuring handling of the above exception, another exception occurred:\n\n"
CAUSE = "\n\nThe above exception was the direct cause of the following exception:\n\n"
FRAME = 'Traceback (most recent call last):\n  File "turn 1", line 2, in <module>\n    open()\n'


@pytest.mark.parametrize(
    ("traceback", "message", "frames"),
    [
        (f"{FRAME}KeyError: 'a'\n", "KeyError: 'a'", FRAME.rstrip()),
        (f"{FRAME}lib.Oops: a\nb\n", "Oops: a\nb", FRAME.rstrip()),
        # Of what is not the code's own there are no frames.
        (f"OSError: no{DURING}{FRAME}lib.Oops: <no>", "Oops: <no>", FRAME.rstrip()),
        (
            f"OSError: else{DURING}{FRAME}Oops: <no>",
            "Oops: <no>",
            f"OSError: else{DURING}{FRAME.rstrip()}",
        ),
        (
            f"{FRAME}OSError: no{CAUSE}{FRAME}Oops: no",
            "Oops: no",
            f"{FRAME}OSError: no{CAUSE}{FRAME.rstrip()}",
        ),
        (
            '  File "turn 1", line 1\n    1 +\n       ^\nSyntaxError: bad\n',
            "SyntaxError: bad (turn 1)",
            '  File "turn 1", line 1\n    1 +\n       ^\nSyntaxError: bad',
        ),
        ("Oops: a", "Oops: a", ""),
    ],
)
def test_frames(traceback: str, message: str, frames: str) -> None:
    assert _frames(traceback, message) == frames
