"""What stands for the guard in keys: making it at each start would take longer than using it."""

from __future__ import annotations

# The short id of the module; a test holds it.
EDITION = b"0c44a3ecde29245a"
