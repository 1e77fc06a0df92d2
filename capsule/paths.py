"""Where capsule keeps its state, and where its own data files are.

All state lives under one folder, so that one variable moves it all and one command removes it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from capsule.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

HOME_VARIABLE = "CAPSULE_HOME"


def state_root(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that holds all state: `CAPSULE_HOME`, else the user's data folder.

    >>> state_root({"CAPSULE_HOME": "/srv/capsule"}).as_posix()
    '/srv/capsule'
    """
    if named := environ.get(HOME_VARIABLE):
        try:
            return Path(named).expanduser().absolute()
        except RuntimeError:
            raise ConfigError(
                f"{HOME_VARIABLE}={named!r}: there is no such user", hint="give the full path"
            ) from None
    if sys.platform == "linux" and "ANDROID_DATA" not in environ:
        # The same as below says there, without the 14 ms that importing it takes.
        data = Path(environ.get("XDG_DATA_HOME", ""))
        return (data if data.is_absolute() else _home(environ) / ".local/share") / "capsule"
    import platformdirs

    return Path(platformdirs.user_data_dir("capsule", appauthor=False))


def _home(environ: Mapping[str, str]) -> Path:
    """Return the user's folder. An empty HOME says nothing; Python would take it for the root."""
    if named := environ.get("HOME"):
        return Path(named).expanduser()
    import pwd

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        raise ConfigError(
            f"HOME is not set, and the user {os.getuid()} has no folder",
            hint=f"set {HOME_VARIABLE} to a folder that you can write to",
        ) from None


def make_private(folder: Path) -> None:
    """Make `folder` and what is missing above it, for this user alone, whatever the umask says.

    Who may write in a folder may put another one in the place of one that is private. Raises
    `OSError` when it cannot be made; one that is there stays as it is.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        if not folder.is_dir():
            raise


def toolchain_data() -> Path:
    """Return the folder `toolchain/`: the pins and what runs inside the sandbox.

    A wheel carries it inside the package; a checkout has it beside the package.
    """
    package = Path(__file__).resolve().parent
    installed = package / "_toolchain"
    return installed if installed.is_dir() else package.parent / "toolchain"
