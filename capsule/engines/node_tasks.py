"""The tasks that are open in a worker process: each made once of its artifact, for all chunks."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capsule import __version__, paths
from capsule.engines import artifact_store
from capsule.engines.job import (
    FILE,
    FORMAT,
    ceilings_from,
    grants_from,
    limits_from,
    policies_of,
    secrets_from,
)
from capsule.errors import EngineError
from capsule.policy.project import Project
from capsule.pool.prepared_task import Warmth, open_prepared_task
from capsule.process.cancel import Cancellation
from capsule.runner import prepare
from capsule.runner.artifact_source import open_artifact
from capsule.runner.source import Source
from capsule.sdk.logged_progress import LoggedProgress
from capsule.sdk.record import recorder_of
from capsule.services.http.ca_certificates import SETTINGS
from capsule.state_folder import checked_root
from capsule.toolstore import file_index
from capsule.toolstore.open_toolchain import layout_of
from capsule.toolstore.sources import ToolchainSources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from capsule.policy.secret_rules import SecretRule
    from capsule.pool.prepared_task import PreparedTask
    from capsule.snapshot.cache import Entry

# How many stay open that no chunk uses.
_MOST_UNUSED = 1
# What of a node's own environment requests of its tasks go by.
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD")
_NETWORK = frozenset((*_PROXIES, *SETTINGS))


class NodeTask:
    """A task that chunks of this process share; `with` it while one of them uses it."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._opening = threading.Lock()
        self._made: tuple[PreparedTask, Entry] | None = None
        self.uses = 0
        self.environ: Mapping[str, str] = {}
        self.secrets: Sequence[SecretRule] = ()

    def __repr__(self) -> str:
        return f"<NodeTask of {self.uses} chunks: {self._made and self._made[0]!r}>"

    @property
    def is_open(self) -> bool:
        """Whether it can run, and so has its artifact."""
        return self._made is not None

    @property
    def prepared(self) -> PreparedTask:
        """What runs it, once it is open."""
        if self._made is None:
            raise RuntimeError("this task is not open")
        return self._made[0]

    def open(self, share: int) -> None:
        """Prepare it, unless that was done. Raises `CapsuleError`."""
        with self._opening:
            if self._made is None:
                self._made = self._open(share)

    def close(self) -> None:
        """End its processes that wait."""
        made, self._made = self._made, None
        if made is not None:
            made[0].close()

    def __enter__(self) -> NodeTask:
        return self

    def __exit__(self, *exc: object) -> None:
        _let_go(self)

    def _open(self, share: int) -> tuple[PreparedTask, Entry]:
        settings, home = self._settings, _home_of(self._settings)
        entry = artifact_store.find(home, settings["artifact"])
        if entry is None:
            raise EngineError("the artifact of the task is not on this node any more")
        _bring_toolchain(home, settings["toolchain"])
        artifact, bundle = open_artifact(entry.folder / FILE, settings["named"], home)
        root = entry.folder / artifact_store.ROOT
        declarations = artifact.task_manifest.declarations
        project = Project(root, ceilings=ceilings_from(settings), own=(entry.folder,), state=home)
        source = Source(
            declarations, bundle, project, artifact, settings["named"], task=settings["task"]
        )
        self.environ = _environ(settings)
        self.secrets = secrets_from(settings, root)
        call = prepare.Call(
            limits=limits_from(settings),
            environ=self.environ,
            grants=grants_from(settings),
            secrets=self.secrets,
        )
        with Cancellation() as never:
            prepared = open_prepared_task(
                source,
                call,
                home,
                LoggedProgress(),
                warmth=Warmth(share),
                cancellation=never,
                ledger=recorder_of(home),
            )
        found = policies_of(prepared.order, frozenset(settings["valueless"]))
        if found != settings["policies"]:
            prepared.close()
            raise EngineError("what the task may do comes to something else on this node")
        return prepared, entry


_lock = threading.Lock()
_open: OrderedDict[bytes, NodeTask] = OrderedDict()


def obtain(said: bytes, share: int) -> NodeTask:
    """Return the task of a job, counted as used: `with` it.

    Raises `CapsuleError` where this node cannot run it.
    """
    settings = _understood(said)
    with _lock:
        task = _open.setdefault(said, NodeTask(settings))
        _open.move_to_end(said)
        task.uses += 1
    try:
        task.open(share)
    except BaseException:
        _let_go(task)
        raise
    return task


def lacks_artifact(said: bytes) -> bool:
    """Say whether the artifact of a job has to be sent. Raises `CapsuleError`."""
    with _lock:
        task = _open.get(said)
    if task is not None and task.is_open:
        return False
    settings = _understood(said)
    return artifact_store.find(_home_of(settings), settings["artifact"]) is None


def keep_artifact(said: bytes, artifact: bytes) -> None:
    """Keep the artifact of a job. Raises `CapsuleError`."""
    settings = _understood(said)
    home = _home_of(settings)
    paths.make_private(home)
    artifact_store.keep(home, settings["artifact"], artifact)


def _let_go(task: NodeTask) -> None:
    """Count one use less, and close those that were not used for longest."""
    with _lock:
        task.uses -= 1
        unused = [said for said, each in _open.items() if not each.uses]
        closing = [_open.pop(said) for said in unused[: max(0, len(unused) - _MOST_UNUSED)]]
    for each in closing:
        each.close()


def _understood(said: bytes) -> dict[str, Any]:
    """Return the settings of a job. Raises `EngineError` for those of another version."""
    settings = json.loads(said)
    if settings["format"] != FORMAT or settings["capsule"] != __version__:
        raise EngineError(
            f"this node has capsule {__version__}, and the caller {settings['capsule']}",
            hint="install the same version on all machines",
        )
    return dict(settings)


def _home_of(settings: Mapping[str, Any]) -> Path:
    named = settings["home"]
    return checked_root(os.environ if named is None else {paths.HOME_VARIABLE: named})


def _bring_toolchain(home: Path, file: str | None) -> None:
    """Prepare the toolchain of a file on this node, if there is none. Raises `ToolchainError`."""
    if file is None or file_index.read(layout_of(home, ToolchainSources()).record) is not None:
        return
    from capsule.toolstore.archive import import_toolchain

    import_toolchain(home, Path(file), progress=LoggedProgress())


def _environ(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of the caller, and how this node reaches its network.

    What a task may see is the caller's: of the node's it sees nothing.
    """
    seen = {name for policy in settings["policies"].values() for name in policy[6]}
    own = {
        name: value
        for name, value in os.environ.items()
        if name.upper() in _NETWORK and name not in seen
    }
    caller: dict[str, str] = settings["environ"]
    return own | caller
