"""Whether runs can be recorded, and how much there is; for whoever wants to know why not."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from capsule.lifecycle import database
from capsule.lifecycle.recorder import FOLDER
from capsule.lifecycle.spool import NAME
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


class Health(NamedTuple):
    """What is recorded: so many attempts in so many bytes; why no more can be, and what helps."""

    attempts: int = 0
    size: int = 0
    trouble: str = ""
    remedy: str = ""


def look(home: Path) -> Health:
    """Try whether the record in the state root `home` can be read and written; nothing is made."""
    path = home / FOLDER / NAME
    if (home / FOLDER).exists() and not (home / FOLDER).is_dir():
        return Health(trouble=f"{home / FOLDER} is no folder", remedy="move it out of the way")
    if not path.exists():
        return Health()
    try:
        return _tried(path)
    except database.NewerError:
        return Health(trouble="a later version of capsule keeps it", remedy="upgrade capsule")
    except sqlite3.Error as error:
        return _refused(error, path)
    except OSError as error:
        return Health(
            trouble=f"it cannot be written: {error.strerror or error}",
            remedy=f"make {path.parent} a folder that you can write to",
        )


def _tried(path: Path) -> Health:
    with closing(database.open_to_write(path.parent)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
        ((attempts,),) = connection.execute("SELECT count(*) FROM attempts")
        # What only shows when all of it is looked through.
        ((found,),) = connection.execute("PRAGMA quick_check(1)")
    if found != "ok":
        return Health(trouble="it is damaged", remedy=_anew(path))
    return Health(attempts, path.stat().st_size)


def _refused(error: sqlite3.Error, path: Path) -> Health:
    kind = database.kind_of(error)
    if kind == database.BROKEN:
        return Health(trouble="it is damaged", remedy=_anew(path))
    if kind == database.BUSY:
        return Health(trouble="another program keeps it locked", remedy="end that program")
    return Health(
        trouble=f"it cannot be written: {error}",
        remedy=f"make {path} a file that you can write to",
    )


def _anew(path: Path) -> str:
    return f"any run: it puts a damaged {path.name} aside and begins anew"
