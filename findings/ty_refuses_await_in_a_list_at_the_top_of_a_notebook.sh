#!/bin/sh
# In a notebook `await` stands at the top level, and ty knows that: it takes `await f()`, `async for`
# and an asynchronous comprehension there. One would expect the same of `[await f(n) for n in ...]`,
# which notebooks run, as their compiler has top-level await for all of a cell. ty calls it an
# `await` outside of an asynchronous function. It mattered where agents write such lists, and code
# with errors is not run.
#
# Seen on Linux x86_64, Python 3.11:
#   ty 0.0.108
#   as notebooks compile it: [0, 1, 2]
#   cell 3:1:2: error[invalid-syntax] `await` outside of an asynchronous function
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "ty==0.0.108"
cd "$folder"

python3 - <<'END'
import ast, asyncio, json

CELLS = (
    "import asyncio\n",
    "await asyncio.sleep(0)\n",
    "[await asyncio.sleep(0, n) for n in range(3)]\n",
)
cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
cells = [{**cell, "id": f"c{number}", "source": code} for number, code in enumerate(CELLS)]
known = {"metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
with open("notebook.ipynb", "w") as file:
    json.dump({"cells": cells, **known}, file)
code = compile("found = " + CELLS[2], "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
names = {"asyncio": asyncio}
asyncio.run(eval(code, names))
print("as notebooks compile it:", names["found"])
END

"$folder/venv/bin/ty" version
"$folder/venv/bin/ty" check --output-format concise notebook.ipynb > found.txt || true
sed -n 's/^notebook.ipynb:\(cell .*error\)/\1/p' found.txt
grep -q 'cell 3:1:2: error\[invalid-syntax\] `await` outside' found.txt || exit 1
! grep -q 'cell 2:' found.txt || exit 1
