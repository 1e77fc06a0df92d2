"""The script that writes the table of what the interpreter brings."""

from __future__ import annotations

import email

import pytest

from capsule.errors import ToolchainError
from capsule.packages import builtin_table
from scripts import refresh_packages as script

METADATA = """\
Name: Some.Thing
Version: 1.5
Requires-Dist: Num_Py>=2
Requires-Dist: colours; sys_platform == "win32"
Provides-Extra: Excel
Provides-Extra: nothing
Requires-Dist: sheets[fast]>=1; extra == "excel" and python_version >= "3.15"
Requires-Dist: old-sheets; extra == "excel" and python_version < "3.15"
"""


def test_a_row() -> None:
    message = email.message_from_string(METADATA)
    with pytest.raises(ToolchainError, match=r"Some\.Thing is imported under another name"):
        script.row(message, {"other"}, set())
    assert script.row(message, {"some_thing", "other"}, {"some_thing"}) == (
        *("some-thing", "1.5", True, ("some_thing",), ("num-py",)),
        (("excel", ("sheets[fast]>=1",)),),
    )


def test_the_module_is_what_the_script_writes() -> None:
    """It was not edited by hand."""
    text = script.render(
        builtin_table.LIBRARY, list(builtin_table.DISTRIBUTIONS), set(builtin_table.SCIENCE)
    )
    assert text == script.FILE.read_text()
