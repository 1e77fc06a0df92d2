"""Run Python that you do not trust, each call in its own sandbox process."""

from capsule.shared.task import task

__all__ = ["__version__", "task"]

__version__ = "0.9.0"
