"""asyncio without threads and sockets.

asyncio is large, so it is adapted when it is imported, by whomever.
"""

from __future__ import annotations

from capsule_guest.import_hooks import adapt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def adapt_on_import() -> None:
    """Make asyncio's own event loop work here, for `asyncio.run` in a task too."""

    def run(module: ModuleType, execute: Callable[[ModuleType], None]) -> None:
        execute(module)
        from capsule_guest.threads import event_loop

        event_loop.adapt(module.BaseSelectorEventLoop)

    def run_unix(module: ModuleType, execute: Callable[[ModuleType], None]) -> None:
        execute(module)
        from capsule_guest.threads import event_loop

        event_loop.refuse_signals(module.SelectorEventLoop)

    adapt("asyncio.selector_events", run)
    adapt("asyncio.unix_events", run_unix)


def run(awaitable) -> object:  # type: ignore[no-untyped-def]
    """Run what an `async def` task returned until it is done."""
    import asyncio

    async def main() -> object:
        return await awaitable

    return asyncio.run(main())
