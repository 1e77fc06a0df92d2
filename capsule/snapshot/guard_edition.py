"""What stands for the guard in keys: making it at each start would take longer than using it."""

from __future__ import annotations

# The short id of the module; a test holds it.
EDITION = b"b11ceeb4d28d0c9d"
