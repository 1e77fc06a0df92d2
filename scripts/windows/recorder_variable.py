"""What the recorder is told: the names of variables."""

from __future__ import annotations

# Where its file is.
VARIABLE = "CAPSULE_WINDOWS_OUTCOMES"
# Set where of cases that are alike each is run, and not the first of some.
EACH = "CAPSULE_WINDOWS_EACH"
