"""What a program's log has of long work."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from capsule.progress import Step
from capsule.sdk.logged_progress import LoggedProgress

if TYPE_CHECKING:
    import pytest


def test_what_begins_and_ends_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="capsule")
    progress = LoggedProgress()
    with progress.step(Step("compiling", 30.0, "seconds")) as tracker:
        tracker.update(12.0)
    with suppress(OSError), progress.step(Step("downloading", 1e6, "bytes")):
        raise OSError
    progress.note("100%")
    said = "\n".join(caplog.messages)
    pattern = (
        r"compiling \(about 30 s\)\ncompiling: done after 0\.\d s\n"
        r"downloading\ndownloading: given up after 0\.\d s\n100%"
    )
    assert re.fullmatch(pattern, said), said
