"""The values of the variables that a task may see: of the host, else of the project's `.env` file.

Values travel in the request alone: never in argv, and in no message.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from capsule.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FILE = ".env"
_MAX_FILE = 1 << 20
_MAX_VALUES = 1 << 20


def values_of(
    names: Sequence[str], root: Path, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the values of `names`; one that is set nowhere is left out.

    Raises `ConfigError` for a `.env` file that cannot be read, and for values that are no text or
    larger than 1 MiB together.
    """
    found = {name: environ[name] for name in names if name in environ}
    missing = [name for name in names if name not in found]
    if missing:
        written = _read(root / FILE)
        found |= {name: written[name] for name in missing if name in written}
    for name, value in found.items():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ConfigError(f"the value of the variable {name!r} is not UTF-8 text") from None
    if sum(map(len, found.values())) > _MAX_VALUES:
        raise ConfigError(f"the variables of the task hold more than {_MAX_VALUES:,} characters")
    return found


def _read(path: Path) -> dict[str, str]:
    """Return what a `.env` file says; there need be none."""
    try:
        # Looked at before it is opened: opening a pipe would wait for a writer.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path} is not a regular file")
        if status.st_size > _MAX_FILE:
            raise ConfigError(f"{path} has more than {_MAX_FILE:,} bytes")
        with path.open("rb") as file:
            text = file.read(_MAX_FILE).decode()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text") from None
    import io

    from dotenv import dotenv_values

    # Nothing is put into values from elsewhere: they would be values that nobody named.
    said = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value for name, value in said.items() if value is not None}
