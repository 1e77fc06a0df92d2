"""Run Python that you do not trust, each call in its own sandbox process."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.shared.task import task

__all__ = ["__version__", "task"]

__version__ = "0.9.0"

# Every start of the command imports this package, and few use what it offers: a name is imported
# when somebody asks for it.
_PUBLIC = {"task": "capsule.shared.task"}


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    globals()[name] = found = getattr(import_module(_PUBLIC[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
