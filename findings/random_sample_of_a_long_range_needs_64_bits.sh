#!/bin/sh
# One would expect `random.sample(range(n), k)`, which Python's documentation recommends for a large
# population, to take any `n`: a range has no elements in memory, its membership and its indices take
# integers of any size, and `random.randrange(n)` draws from the same numbers. It asks for the range's
# length, which has to fit a C `ssize_t`. Where that has 32 bits (Pyodide and other WebAssembly), `n`
# ends at 2147483647: `sample`, `choice`, `len` and `bisect` raise OverflowError, with the same code and
# seed with which they answer elsewhere.
# It mattered where identifiers are drawn from ranges of billions.
#
# Seen with pyodide 0.29.0 of npm (CPython 3.13.2, Node.js 20) beside CPython 3.11 on Linux x86_64:
#   outside: version 3.11.7, bisect 6, choice 7921731533, in True, index 9999999999, len 10000000000,
#     randrange 7921731533, sample [7921731533, 1806341205]
#   inside: version 3.13.2, bisect OverflowError, choice OverflowError, in True, index 9999999999,
#     len OverflowError, randrange 7921731533, sample OverflowError
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit pyodide@0.29.0 > npm.txt
cat > draws.py <<'PYTHON'
import bisect, json, random, sys

LONG = range(10**10)
WAYS = {
    "bisect": lambda: bisect.bisect(LONG, 5),
    "choice": lambda: random.Random(0).choice(LONG),
    "in": lambda: 9_999_999_999 in LONG,
    "index": lambda: LONG[-1],
    "len": lambda: len(LONG),
    "randrange": lambda: random.Random(0).randrange(10**10),
    "sample": lambda: random.Random(0).sample(LONG, 2),
}
found = {"version": sys.version.split()[0]}
for name, way in WAYS.items():
    try:
        found[name] = way()
    except Exception as error:
        found[name] = type(error).__name__
print(json.dumps(found))
PYTHON
cat > inside.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import { loadPyodide } from "pyodide";
const python = await loadPyodide();
python.runPython(readFileSync("draws.py", "utf8"));
JAVASCRIPT
python3 draws.py > outside.json
node inside.mjs > inside.json
cat > compare.py <<'PYTHON'
import json, sys

outside, inside = (json.load(open(f"{name}.json")) for name in ("outside", "inside"))
for name, found in (("outside", outside), ("inside", inside)):
    print(f"{name}: {', '.join(f'{way} {value}' for way, value in found.items())}")
differ = {way for way in inside if way != "version" and inside[way] != outside[way]}
raised = {way for way, value in inside.items() if value == "OverflowError"}
sys.exit(not differ == raised == {"bisect", "choice", "len", "sample"})
PYTHON
python3 compare.py
