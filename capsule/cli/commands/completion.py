"""`capsule completion`: the script for a shell."""

from __future__ import annotations

from capsule.cli.grammar.completion_scripts import SCRIPTS
from capsule.errors import UsageError
from capsule.message_text import nearest, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.cli.terminal.console import Console


def command(shell: str, console: Console) -> int:
    """Print the script for a shell. Raises `UsageError` for one that there is none for."""
    script = SCRIPTS.get(shell)
    if script is None:
        raise UsageError(
            f"there is no completion for {shown(shell)}; there is one for {', '.join(SCRIPTS)}",
            hint=f"capsule completion {nearest(shell, SCRIPTS) or 'bash'}",
        )
    console.out(script.removesuffix("\n"))
    return 0
