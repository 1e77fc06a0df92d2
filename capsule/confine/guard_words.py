"""What the guard is told of a run, in letters and digits behind its seal."""

from __future__ import annotations

import os

# How names are judged: as Windows reads them, or as other systems do.
WINDOWS_NAMES, PLAIN_NAMES = "w", "p"
# What a folder is: only read, the user's to be written, the run's own and bounded.
READ_ONLY, WRITABLE, PRIVATE = "1", "2", "3"


def name_rules() -> str:
    """Return the word for how names are judged on this system."""
    return WINDOWS_NAMES if os.name == "nt" else PLAIN_NAMES
