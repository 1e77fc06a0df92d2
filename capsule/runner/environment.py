"""The values of the variables that a task may see: of the host, else of the project's `.env` file.

Values travel in the request alone: never in argv, and in no message.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from capsule.errors import ConfigError
from capsule.message_text import printable
from capsule.policy.folders import is_inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILE = ".env"
_MAX_FILE = 1 << 20
_MAX_VALUES = 1 << 20


def values_of(
    names: Sequence[str], root: Path, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the values of `names`; one that is set nowhere is left out.

    Raises `ConfigError` for a `.env` file that cannot be read or is a link out of the project, and
    for values that are no text or larger than 1 MiB together.
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


def places_of(
    names: Sequence[str], root: Path, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return where each of `names` is set, in words, and no values.

    Raises `ConfigError` as `values_of` does.
    """
    found = values_of(names, root, environ)
    return {
        name: "set here" if name in environ else f"set in {FILE}" if name in found else "not set"
        for name in names
    }


def _read(path: Path) -> dict[str, str]:
    """Return what a `.env` file says; there need be none."""
    real = Path(os.path.realpath(path))
    if not is_inside(real, path.parent):
        # A stranger's folder would get values of another file of yours.
        raise ConfigError(
            f"{printable(str(path))} is a link that leads out of the project, to"
            f" {printable(str(real))}",
            hint=f"copy that file to {printable(str(path))}, or set the variables here",
        )
    try:
        # Looked at before it is opened: opening a pipe would wait for a writer.
        status = real.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path} is not a regular file")
        if status.st_size > _MAX_FILE:
            raise ConfigError(f"{path} has more than {_MAX_FILE:,} bytes")
        with real.open("rb") as file:
            text = file.read(_MAX_FILE).decode()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text") from None
    import io
    import logging

    from dotenv import dotenv_values

    # Of lines that it cannot read it tells a logger, which prints where nobody has set one up.
    if not (logger := logging.getLogger("dotenv")).handlers:
        logger.addHandler(logging.NullHandler())
    # Nothing is put into values from elsewhere: they would be values that nobody named.
    said = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value for name, value in said.items() if value is not None}
