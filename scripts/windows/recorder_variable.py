"""Where the recorder finds its file: the name of a variable."""

from __future__ import annotations

VARIABLE = "CAPSULE_WINDOWS_OUTCOMES"
