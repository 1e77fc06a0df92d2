"""What a session begins with: its policy, its interpreter, and memory behind its imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.errors import ToolchainError, UsageError
from capsule.namedtuples import NamedTuple
from capsule.policy.units import format_ram
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.run import snapshot_settings
from capsule.runner.snapshot_choice import SnapshotChoice, choose_snapshot
from capsule.runner.source import read_text
from capsule.sessions.session_declaration import NAME, declarations_of
from capsule.snapshot.image_contents import ImageContents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from capsule.policy.secret_rules import SecretRule
    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress
    from capsule.runner.prepare import Call
    from capsule.runner.run import Order
    from capsule.runner.source import Source
    from capsule.snapshot.base_snapshot import Base
    from capsule.toolstore.toolchain_lock import Lease


class Wider(NamedTuple):
    """A larger interpreter, and the memory that turns begin with as it can map it."""

    base: Base
    image: Path
    lease: Lease | None


class SessionBase(NamedTuple):
    """An order for turns, the source that it was settled from, and the memory they begin with.

    `overheads` is the fuel that turns take besides their code: the first, and those behind it. The
    last is that of all others. `secrets` are those of all turns, and
    `identity` what their placeholders are made of, in all forks too. `wider` is what turns run on
    since one came that needed the native code of more packages, which are `natives`; `progress` is
    told of what that takes.
    """

    source: Source
    order: Order
    choice: SnapshotChoice
    contents: ImageContents
    overheads: tuple[int, ...] = (0,)
    secrets: Sequence[SecretRule] = ()
    identity: str = ""
    wider: Wider | None = None
    natives: frozenset[str] = frozenset()
    progress: Progress = Silent()

    @property
    def runs_on(self) -> Base:
        """What its turns run on now."""
        return self.order.inputs.base if self.wider is None else self.wider.base

    @property
    def image(self) -> Path:
        """The compiled file with the memory that its turns begin with."""
        return self.choice.snapshot.image if self.wider is None else self.wider.image


def source_of(
    options: Mapping[str, object],
    imports: Sequence[str],
    packages: Sequence[str],
    working: Path,
    home: Path,
) -> Source:
    """Return the task that stands for a session: its module imports, and its options are its own.

    Raises `CapsuleError` for options that are none.
    """
    for name in imports:
        if not name.replace(".", "_").isidentifier():
            raise UsageError(f"imports: {name!r} is no name of a module", hint='imports=["pandas"]')
    head = "".join(f"import {name}\n" for name in imports)
    wanted = "".join(f"#   {package!r},\n" for package in packages)
    block = f"# /// script\n# dependencies = [\n{wanted}# ]\n# ///\n" if packages else ""
    # A coroutine function: asyncio is in memory then, for turns that await.
    code = read_text(
        f"{block}{head}\n\nasync def main(): pass\n".encode(), working, home, named=NAME
    )
    # Apart, so that what is made for the imports is shared by all sessions that have them.
    return code._replace(declarations=declarations_of(options, code.project))


def open_session_base(
    source: Source, call: Call, home: Path, progress: Progress, cancellation: Cancellation
) -> SessionBase:
    """Settle a session's policy, and have what its turns begin with made.

    Raises `CapsuleError` when anything is wrong.
    """
    order = prepare.order(source, call, home, progress)
    settings = snapshot_settings(order, order.policy.timeout_ms, cancellation)
    choice = choose_snapshot(order.inputs, order.call, settings)
    if not isinstance(choice, SnapshotChoice):
        raise ToolchainError("the imports of the session took longer than its timeout")
    if choice.plain is not None:
        raise _unfit(choice.plain, order)
    order = of_session(order)._replace(inputs=choice.inputs)
    contents = ImageContents(choice.snapshot.image)
    return SessionBase(source, order, choice, contents, secrets=call.secrets)


def of_session(order: Order) -> Order:
    """Return an order as turns have it: messages speak of a session, and nothing is repeated."""
    origins = order.policy.origins._replace(whose="session")
    # A turn that raises keeps what it did: to repeat it would do that twice.
    return order._replace(policy=order.policy._replace(max_retries=0, origins=origins))


def _unfit(reason: str, order: Order) -> UsageError:
    """Return why turns cannot begin with what the session imports, and what would help."""
    hint = "import it in a turn"
    if reason.startswith("fails: ModuleNotFoundError"):
        hint = 'packages=["..."] of the session, if an index has it'
    elif reason.startswith("takes ") and order.policy.ram is not None:
        option = "--max-ram" if order.policy.origins.ram.who == "flag" else "ram="
        return UsageError(
            f"session: ram: {format_ram(order.policy.ram)} is too little: what it begins with "
            f"{reason}",
            hint=f"a larger {option}",
        )
    return UsageError(
        f"the imports of the session cannot be kept in memory: its import {reason}", hint=hint
    )
