"""`python -m scripts.parity.requirements`: print what the Python outside needs, for pip.

The versions are those of the sandbox.
"""

from __future__ import annotations

from capsule.packages.builtin_table import DISTRIBUTIONS

# What the programs import, and what that imports where it is there.
NAMES = {
    *("numpy", "pandas", "scipy", "scikit-learn", "statsmodels"),
    *("formulaic", "jinja2", "joblib", "lxml", "openpyxl", "patsy", "pillow"),
    *("python-dateutil", "tabulate", "tzdata"),
}


def requirements() -> list[str]:
    """List the packages with their versions.

    >>> [one for one in requirements() if one.startswith("numpy")]
    ['numpy==2.5.2']
    """
    return [f"{name}=={version}" for name, version, *_ in DISTRIBUTIONS if name in NAMES]


if __name__ == "__main__":
    print("\n".join(requirements()))
