"""The files that one run is given: put into its working folder before its task is called."""

from __future__ import annotations

from contextlib import contextmanager

from capsule.confine.scratch import WORKING
from capsule.errors import PolicyError
from capsule.message_text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from capsule.process.argv import Mount
    from capsule.process.sandbox_process import SandboxProcess
    from capsule.runner.attempt import Plan, Starter


class WithFiles:
    """A `Starter` whose processes, each of them, have these files; paths are in the folder."""

    def __init__(self, starter: Starter, files: Mapping[str, bytes]) -> None:
        self._starter, self._files = starter, files
        self.sees_end = starter.sees_end

    def __repr__(self) -> str:
        return f"<WithFiles: {len(self._files)} for {self._starter!r}>"

    @contextmanager
    def start(self, plan: Plan) -> Iterator[SandboxProcess]:
        """Give a process that has them.

        Raises `PolicyError` where one cannot be put, and what starting raises; nothing has run.
        """
        check_places(self._files, plan.launch.mounts)
        with self._starter.start(plan) as started:
            started.scratch.put(self._files)
            yield started


def check_places(names: Iterable[str], mounts: Sequence[Mount]) -> None:
    """Refuse files, by their paths in the working folder, that what is mounted would hide.

    Raises `PolicyError`.
    """
    for mount in mounts:
        # A file that is mounted stands in a folder that hides what else is in its place.
        folder = mount.guest.rpartition("/")[0] if mount.is_file else mount.guest
        hiding = mount.guest if folder in {"", WORKING} and mount.is_file else folder
        for name in names:
            if hiding not in {"", WORKING} and f"/{name}/".startswith(f"{hiding}/"):
                raise PolicyError(
                    f"the file {printable(name)} cannot be put into the working folder:"
                    f" {printable(hiding)} is mounted there",
                    hint="another name in files=",
                )
