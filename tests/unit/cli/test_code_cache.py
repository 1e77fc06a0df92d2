"""Modules that were kept in one file are found there, while their source is what it was."""

from __future__ import annotations

import importlib
import marshal
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from capsule.cli import code_cache
from capsule.cli.code_cache import CONTENT, STORE, CodeCache, install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAMES = [f"kept_{number}" for number in range(9)]
SOURCE = '"""A module."""\nVALUE = {}\ndef fail():\n    raise ValueError(VALUE)\n'


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in the place of Python's own library, with a package and eight modules in it."""
    folder = tmp_path.resolve() / "library"
    for name in NAMES[1:]:
        (folder / f"{name}.py").parent.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(SOURCE.format(name.removeprefix("kept_")))
    (folder / NAMES[0]).mkdir()
    (folder / NAMES[0] / "__init__.py").write_text(SOURCE.format(0))
    monkeypatch.setattr(code_cache, "_LIBRARY", f"{folder}")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.syspath_prepend(folder)
    yield folder
    forget()
    for finder in sys.meta_path:
        if isinstance(finder, CodeCache):
            finder.close()


def forget() -> None:
    """Have the modules of the library imported anew."""
    for name in [name for name in sys.modules if name.startswith("kept_")]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def kept(library: Path, tmp_path: Path) -> Path:
    """A state folder in which the library's modules are kept."""
    home = tmp_path.resolve() / "home"
    home.mkdir(mode=0o700)
    imported = CodeCache(f"{home}")
    for name in NAMES:
        importlib.import_module(name)
    imported.keep()
    forget()
    return home


def content_of(home: Path) -> Path:
    (found,) = (home / "cache" / STORE).glob(f"*/{CONTENT}")
    return found


def found(home: Path, name: str = NAMES[1]) -> bool:
    with closing(CodeCache(f"{home}")) as cache:
        return cache.find_spec(name) is not None


def test_what_was_imported_is_found_and_is_the_same(kept: Path, library: Path) -> None:
    cache = install(f"{kept}")
    assert cache is not None
    assert repr(cache) == "<CodeCache of 9 modules>"
    for number, name in enumerate(NAMES):
        module = importlib.import_module(name)
        assert isinstance(module.__loader__, code_cache._KeptLoader)
        assert (module.VALUE, module.__doc__) == (number, "A module.")
        assert module.__file__ is not None
        assert module.__file__.startswith(f"{library}")
    with pytest.raises(ValueError, match="1") as raised:
        importlib.import_module(NAMES[1]).fail()
    # A traceback shows the line of the source.
    assert raised.traceback[-1].path == library / "kept_1.py"
    package = importlib.import_module(NAMES[0])
    assert list(package.__path__) == [f"{library / NAMES[0]}"]
    (library / NAMES[0] / "below.py").write_text("VALUE = 1\n")
    assert importlib.import_module("kept_0.below").VALUE == 1


def other_text(source: Path, content: Path) -> None:
    source.write_text(SOURCE.format(1) + "\n")


def other_time(source: Path, content: Path) -> None:
    os.utime(source, ns=(0, 0))


def gone(source: Path, content: Path) -> None:
    source.unlink()


def damaged_table(source: Path, content: Path) -> None:
    data = bytearray(content.read_bytes())
    data[40] ^= 1
    content.write_bytes(data)


def cut_short(source: Path, content: Path) -> None:
    content.write_bytes(content.read_bytes()[:100])


def endless_table(source: Path, content: Path) -> None:
    content.write_bytes(b"\xff" * 100)


def empty(source: Path, content: Path) -> None:
    content.write_bytes(b"")


@pytest.mark.parametrize(
    "change",
    [other_text, other_time, gone, damaged_table, cut_short, endless_table, empty],
    ids=lambda change: change.__name__,
)
def test_what_is_not_as_it_was_is_not_found(
    kept: Path, library: Path, change: Callable[[Path, Path], None]
) -> None:
    assert found(kept)
    change(library / "kept_1.py", content_of(kept))
    assert not found(kept)


def test_a_module_whose_code_was_damaged_is_not_found(kept: Path) -> None:
    content = content_of(kept)
    data = bytearray(content.read_bytes())
    # The last module's code is the end of the file.
    data[-5] ^= 1
    content.write_bytes(data)
    assert [found(kept, name) for name in NAMES] == [True] * 8 + [False]


def test_what_is_loaded_together_is_as_what_is_imported(kept: Path, library: Path) -> None:
    cache = install(f"{kept}")
    assert cache is not None
    cache.load(set(NAMES[:4]))
    assert [name for name in NAMES if name in sys.modules] == NAMES[:4]
    loaded = {name: sys.modules[name] for name in NAMES[:4]}
    for number, (name, module) in enumerate(loaded.items()):
        assert importlib.import_module(name) is module
        assert (module.VALUE, module.__doc__) == (number, "A module.")
    forget()
    for name, module in loaded.items():
        imported = vars(importlib.import_module(name))
        # Where Python would keep its bytecode is said by `import` alone.
        assert vars(module).keys() == imported.keys() - {"__cached__"}
        for about in ("__name__", "__package__", "__file__", "__path__"):
            assert vars(module).get(about) == imported.get(about)
    with pytest.raises(ValueError, match="1") as raised:
        loaded[NAMES[1]].fail()
    assert raised.traceback[-1].path == library / "kept_1.py"


def test_a_module_of_a_package_is_loaded_behind_it(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path.resolve() / "home"
    home.mkdir(mode=0o700)
    (library / NAMES[0] / "below.py").write_text("VALUE = 1\n")
    (library / NAMES[1]).mkdir()
    (library / NAMES[1] / "__init__.py").write_text("from .inside import VALUE\nOWN = VALUE + 1\n")
    (library / NAMES[1] / "inside.py").write_text("VALUE = 5\n")
    cache = CodeCache(f"{home}")
    monkeypatch.setattr(sys, "meta_path", [cache, *sys.meta_path])
    names = [*NAMES, f"{NAMES[0]}.below", f"{NAMES[1]}.inside"]
    for name in names:
        importlib.import_module(name)
    cache.keep()
    for turn in range(2):
        forget()
        with closing(CodeCache(f"{home}")) as later:
            later.load(set(names))
            assert sys.modules[NAMES[0]].below.VALUE == 1
            # It imports what belongs to it, which was complete before it.
            assert sys.modules[NAMES[1]].OWN == 6
            assert sys.modules[NAMES[1]].inside.VALUE == 5, turn
            # The order is that of the first time, also where it is written again.
            found = [name for name in later._modules if name in names]
            assert [name for name in sys.modules if name in names] == found
            monkeypatch.setattr(code_cache, "_FEW", 0)
            later.keep()


def test_a_module_that_fails_is_not_there(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = install(f"{kept}")
    assert cache is not None
    failing = marshal.dumps(compile("raise ZeroDivisionError", "kept_1.py", "exec"))
    monkeypatch.setattr(cache, "_code", lambda _: failing)
    with pytest.raises(ZeroDivisionError):
        cache.load({NAMES[1]})
    assert NAMES[1] not in sys.modules


def test_code_that_may_wait_runs_when_something_of_it_is_asked_for(kept: Path) -> None:
    cache = install(f"{kept}")
    assert cache is not None
    cache.load(set(NAMES), late=dict.fromkeys(NAMES[2:4], ()))
    late, other = sys.modules[NAMES[2]], sys.modules[NAMES[3]]
    assert importlib.import_module(NAMES[2]) is late
    assert "VALUE" not in vars(late)
    assert late.VALUE == 2
    assert (type(late), "VALUE" in vars(other)) == (type(sys), False)
    from kept_3 import VALUE  # type: ignore[import-not-found]

    assert VALUE == 3
    with pytest.raises(AttributeError, match=r"^module 'kept_2' has no attribute 'more'$"):
        _ = late.more


def test_a_function_that_is_taken_of_it_runs_it_when_it_is_called(kept: Path) -> None:
    cache = install(f"{kept}")
    assert cache is not None
    cache.load(set(NAMES), late={NAMES[2]: ("fail",)})
    from kept_2 import fail  # type: ignore[import-not-found]

    late = sys.modules[NAMES[2]]
    assert "VALUE" not in vars(late)
    with pytest.raises(ValueError, match="2"):
        fail()
    assert (type(late), late.VALUE) == (type(sys), 2)
    # What was not taken before is the function itself.
    assert late.fail is not fail


def test_many_threads_that_ask_at_once_see_all_of_it(kept: Path) -> None:
    cache = install(f"{kept}")
    assert cache is not None
    cache.load(set(NAMES), late=dict.fromkeys(NAMES, ()))
    begin = threading.Barrier(8)

    def ask(_: int) -> list[int]:
        begin.wait()
        return [sys.modules[name].VALUE for name in NAMES]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [list(range(9))] * 8


def test_few_new_modules_are_not_worth_writing(kept: Path, library: Path) -> None:
    cache = install(f"{kept}")
    assert cache is not None
    before = content_of(kept).stat().st_ino
    (library / "kept_more.py").write_text("VALUE = 1\n")
    importlib.import_module("kept_more")
    cache.keep()
    assert content_of(kept).stat().st_ino == before
    assert not found(kept, "kept_more")


def test_what_was_kept_before_stays(kept: Path, library: Path) -> None:
    cache = install(f"{kept}")
    assert cache is not None
    more = [f"kept_more_{number}" for number in range(8)]
    for name in more:
        (library / f"{name}.py").write_text("VALUE = 1\n")
        importlib.import_module(name)
    other_text(library / "kept_2.py", content_of(kept))
    cache.keep()
    assert all(found(kept, name) for name in [*more, *NAMES[:2], *NAMES[3:]])
    assert not found(kept, "kept_2")


def test_what_a_program_had_from_elsewhere_stays_before_what_may_import_it(
    kept: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importlib.import_module(NAMES[5])
    cache = install(f"{kept}")
    assert cache is not None
    (library / "kept_more.py").write_text(f"from {NAMES[5]} import VALUE\n")
    importlib.import_module("kept_more")
    monkeypatch.setattr(code_cache, "_FEW", 1)
    cache.keep()
    with closing(CodeCache(f"{kept}")) as later:
        order = list(later._modules)
    assert order == [NAMES[5], "kept_more", *NAMES[:5], *NAMES[6:]]


def test_nothing_is_kept_where_python_is_to_write_no_bytecode(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    cache = CodeCache(f"{tmp_path}")
    for name in NAMES:
        importlib.import_module(name)
    cache.keep()
    assert not (tmp_path / "cache").exists()


def test_modules_of_other_packages_are_not_kept(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path.resolve() / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setattr(code_cache, "_LIBRARY", f"{library.parent / 'elsewhere'}")
    cache = CodeCache(f"{home}")
    for name in NAMES:
        importlib.import_module(name)
    cache.keep()
    assert not (home / "cache").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="modes of Unix")
def test_a_state_folder_that_others_may_write_to_is_not_used(kept: Path) -> None:
    assert install(f"{kept}") is not None
    kept.chmod(0o777)
    assert install(f"{kept}") is None
    assert install(None) is None
