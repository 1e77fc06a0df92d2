"""What is imported in a sandbox."""

from __future__ import annotations

from capsule.snapshot.task_code import Code, libraries_of


def test_modules_of_libraries_are_imported_with_them() -> None:
    source = (
        b"import scipy.stats as s; from matplotlib import pyplot as plt, cm\nfrom os import x\n"
    )
    code = Code({"t.py": source}, "t", "", libraries=frozenset(["scipy", "matplotlib"]))
    libraries = libraries_of(code)
    assert libraries is not None
    first = libraries.files["capsule_libraries.py"].decode().splitlines()[0]
    assert first == (
        "for name in ['matplotlib', 'matplotlib.cm', 'matplotlib.pyplot', 'scipy', 'scipy.stats']:"
    )
