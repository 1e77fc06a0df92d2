"""What the module of a task file is called inside the sandbox."""

from __future__ import annotations

import sys
from keyword import iskeyword

from capsule.policy import CAPSULE

# What the standard library inside has besides that of the oldest Python that runs capsule.
_NEWER = {
    *("annotationlib", "compression", "profiling"),
    *(
        "_android_support",
        "_apple_support",
        "_ast_unparse",
        "_colorize",
        "_hmac",
        "_interpchannels",
    ),
    *("_interpqueues", "_interpreters", "_ios_support", "_math_integer", "_opcode_metadata"),
    *("_py_warnings", "_pydatetime", "_pylong", "_pyrepl", "_remote_debugging", "_sha2"),
    *("_suggestions", "_sysconfig", "_types", "_wmi", "_zstd"),
}


def module_name(stem: str) -> str:
    """Return the name of the module for a file without its suffix: the same, if it can be.

    A name that a module of the standard library has, or capsule itself, gets an underscore: inside
    the sandbox those are loaded already, and importing the task would find them instead. What the
    file is called is shown all the same: see `Bundle.shown`.

    >>> module_name("hello"), module_name("my-task"), module_name("2nd"), module_name("calendar")
    ('hello', 'my_task', '_2nd', 'calendar_')
    """
    name = "".join(one if one == "_" or one.isalnum() else "_" for one in stem)
    if not name.isidentifier():
        name = f"_{name}"
    if not name.isidentifier():  # a number of another script, like "\u00b2", can start no name
        name = "task_" + "".join(one for one in name if one.isascii())
    taken = iskeyword(name) or name in {*sys.stdlib_module_names, *_NEWER, CAPSULE}
    return f"{name}_" if taken or name.startswith("__") else name
