"""What `--engine` names: an engine, and the address of its cluster."""

from __future__ import annotations

from capsule.errors import UsageError
from capsule.message_text import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.sdk.engine import Engine

_FORMS = "local, dask=tcp://HOST:8786, ray, or ray=HOST:6379"


def engine_named(text: str) -> Engine:
    """Return the engine that an option names.

    Raises `UsageError` for a name that is none, `EngineError` where its library is missing.

    >>> engine_named("local").thread_batch.__name__
    'thread_batch'
    """
    name, given, address = text.partition("=")
    if given and not address:
        raise UsageError(f"--engine {text}: an address belongs behind the =", hint=_FORMS)
    from capsule import engines

    if name == "local" and not given:
        return engines.Local()
    if name == "ray":
        over = engines.Ray(address or None)
        import ray  # sets levels of its own

        _hush(ray.__name__)
        return over
    if name == "dask" and given:
        found = engines.Dask(address)
        import distributed  # sets levels of its own, for each of its loggers

        _hush(distributed.__name__)
        return found
    if name == "dask":
        raise UsageError(
            "--engine dask: the address of a scheduler is needed", hint="dask=tcp://HOST:8786"
        )
    raise UsageError(f"--engine {shown(text)}: there is no such engine", hint=_FORMS)


def _hush(library: str) -> None:
    """Keep what a library logs off the terminal: what is wrong is told in one message."""
    import logging

    for name in (library, *logging.root.manager.loggerDict):
        if name.partition(".")[0] == library:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
