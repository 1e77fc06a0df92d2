"""`capsule doctor`: what works on this machine, and what to do about the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from capsule.cli.checks import CHECKS, look

if TYPE_CHECKING:
    from capsule.cli.screen import Screen

_SIGNS = {"ok": "ok  ", "warning": "warn", "failed": "FAIL"}
BROKEN = 3


def command(screen: Screen, *, as_json: bool) -> int:
    """Print a row for each check; the exit code says whether tasks can run here."""
    rows = [look(check) for check in CHECKS]
    if as_json:
        screen.out(json.dumps([row._asdict() for row in rows], ensure_ascii=False))
    else:
        for row in rows:
            screen.out(f"{_SIGNS[row.state]} {row.name:<12} {row.found}")
            if row.remedy:
                screen.out(f"     {'':<12} try: {row.remedy}")
    return BROKEN if any(row.state == "failed" for row in rows) else 0
