"""Names of folders that Windows reads as another name, as a stream of a file, or as a device.

The guard has the same rules for what a task opens: `capsule/snapshot/guard_names.py`.
"""

from __future__ import annotations

import re

_OTHERWISE = re.compile(
    r"[\x00-\x1f:<>\"|?*\\]|[. ]\Z"
    r"|\A(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|\Z)",
    re.IGNORECASE,
)


def is_read_otherwise(name: str) -> bool:
    """Say whether Windows would take a name for something else.

    >>> [is_read_otherwise(name) for name in ("data", "data.", "c:data", "Nul.txt", "console")]
    [False, True, True, True, False]
    """
    return _OTHERWISE.search(name) is not None
