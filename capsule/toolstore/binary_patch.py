"""Change a few bytes of the pinned interpreter, each held to what stood there before.

What is changed, and why, is data: `[[interpreter.patch]]` of `toolchain/pins.toml`.
"""

from __future__ import annotations

from capsule.errors import ToolchainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from capsule.toolstore.pins import Patch


def patched(source: bytes, patches: Sequence[Patch]) -> bytes:
    """Return `source` with every patch made.

    Raises `ToolchainError` where other bytes stand than the patch says.

    >>> from capsule.toolstore.pins import Patch
    >>> patched(b"good bye", [Patch("a greeting", "", 0, 5, b"bye", b"day")])
    b'good day'
    """
    made = bytearray(source)
    for patch in patches:
        found = bytes(made[patch.at : patch.at + len(patch.before)])
        if found != patch.before:
            raise ToolchainError(
                f"the interpreter has {found.hex() or 'nothing'} at byte {patch.at}, where "
                f"{patch.before.hex()} is to be changed ({patch.what})",
                hint="install capsule again: its pins are not for this interpreter",
            )
        made[patch.at : patch.at + len(patch.after)] = patch.after
    return bytes(made)
