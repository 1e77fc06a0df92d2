"""Write the filter of system calls that is used most as data: `python -m scripts.write_filter`.

To put it together from the list takes longer than anything else that stands behind a start. It is
written anew whenever `capsule/confine/allowed_calls.py` changes; a test says when.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from capsule.confine import allowed_calls, bpf
from capsule.confine.seccomp import MACHINES

FILE = Path(__file__).parents[1] / "capsule" / "confine" / "traced_filter.py"
_HEAD = '''"""What `capsule.confine.allowed_calls` comes to on x86_64: scripts/write_filter.py."""

from __future__ import annotations

'''


def source() -> str:
    """Return the file's text: instructions of 8 bytes, as the kernel takes them."""
    code = bpf.program(MACHINES["x86_64"].architecture, allowed_calls.rules())
    lines = "\n".join(f'    "{line}"' for line in textwrap.wrap(code.hex(), 80))
    return f"{_HEAD}TRACED = bytes.fromhex(\n{lines}\n)\n"


def main() -> None:
    """Write the file."""
    FILE.write_text(source())


if __name__ == "__main__":
    main()
