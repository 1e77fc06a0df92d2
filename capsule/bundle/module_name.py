"""What the module of a task file is called inside the sandbox."""

from __future__ import annotations

import sys
from keyword import iskeyword

from capsule.policy import CAPSULE


def module_name(stem: str) -> str:
    """Return the name of the module for a file without its suffix: the same, if it can be.

    A name that a module of the standard library has, or capsule itself, gets an underscore: inside
    the sandbox those are loaded already, and importing the task would find them instead.

    >>> module_name("hello"), module_name("my-task"), module_name("2nd"), module_name("calendar")
    ('hello', 'my_task', '_2nd', 'calendar_')
    """
    name = "".join(one if one == "_" or one.isalnum() else "_" for one in stem)
    if not name.isidentifier():
        name = f"_{name}"
    if not name.isidentifier():  # a number of another script, like "\u00b2", can start no name
        name = "task_" + "".join(one for one in name if one.isascii())
    taken = iskeyword(name) or name in sys.stdlib_module_names or name == CAPSULE
    return f"{name}_" if taken or name.startswith("__") else name
