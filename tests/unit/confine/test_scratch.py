"""Looking at the private folders while a task makes and deletes in them."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from capsule.confine import scratch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("tries", "said"), [(3, None), (2, "/ and /tmp cannot be looked at: bad")])
def test_a_folder_that_is_an_error_for_a_moment_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: int, said: str | None
) -> None:
    """As on Windows, where it is going away; everywhere else the first error counts."""
    failures = iter(range(2))
    scandir = os.scandir

    def failing(path: str) -> object:
        if not path.startswith("/proc/") and next(failures, None) is not None:
            raise OSError(errno.EINVAL, "bad", path)
        return scandir(path)

    assert os.name == "nt" or scratch._TRIES == 1
    with scratch.scratch() as folders:
        folders.temporary.joinpath("file").write_bytes(b"content")
        folders.next_look = 0
        with monkeypatch.context() as patches:
            patches.setattr(scratch, "_TRIES", tries)
            patches.setattr(os, "scandir", failing)
            assert folders.overflow(os.getpid()) == said
        assert next(failures, None) is None
        # The next look counts again, and all.
        folders.next_look = 0
        (folders.temporary / "large").touch()
        os.truncate(folders.temporary / "large", 2 * scratch.MAX_BYTES)
        assert "more than 256 MB" in str(folders.overflow(os.getpid()))
