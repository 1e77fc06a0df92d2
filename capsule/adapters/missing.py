"""The error where a framework is not installed: what installs it, in a line to be typed."""

from __future__ import annotations

# By the extra: what it brings. A test holds pyproject.toml to it.
REQUIREMENTS = {
    "langchain": "langchain>=1.2.13,<2",
    "pydantic-ai": "pydantic-ai-slim>=2.0,<3",
    "smolagents": "smolagents>=1.25,<2",
    "dspy": "dspy>=3.4.1,<4",
}


def not_installed(extra: str, error: ImportError) -> ImportError:
    """Return the error to raise for a framework that cannot be imported.

    >>> print(not_installed("dspy", ImportError("No module named 'dspy'")))
    No module named 'dspy'
      try: pip install "dspy>=3.4.1,<4"
    """
    said = f'{error}\n  try: pip install "{REQUIREMENTS[extra]}"'
    return type(error)(said, name=error.name, path=error.path)
