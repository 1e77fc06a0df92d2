"""What code in a session shows: `display(...)`, there a builtin, and here for checkers to find."""

from __future__ import annotations

import sys


def display(*values: object) -> None:
    """Show values as a notebook does: tables, figures, whatever has a `_repr_html_` or the like.

    In a session they are in `displays` of the turn. Elsewhere each is printed, as at a prompt.

    >>> display(1, "two")
    1
    'two'
    """
    for value in values:
        sys.stdout.write(f"{value!r}\n")
