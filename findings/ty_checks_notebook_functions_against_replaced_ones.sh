#!/bin/sh
# One would expect a checker that reads notebooks to take a name, in a later cell, for what the last
# cell made of it: to define a function anew is what notebooks are for, and the code runs. ty does so
# for code at the top level. But what a function looks up is all that the name is in any cell: a
# function of a later cell that calls the new one is held against the old one too, and so is one
# that uses a variable which an earlier cell gave another type. It mattered where an agent's code is
# checked turn by turn, in which functions are corrected all the time; each turn as a module of its
# own, which imports from those before it, gives what one would expect.
#
# Seen on Linux x86_64, Python 3.11:
#   ty 0.0.108
#   the cells run: 5.0 5.0
#   notebook:cell 4:3:26: error[too-many-positional-arguments]
#   modules: no error
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "ty==0.0.108"
ty="$folder/venv/bin/ty"
cd "$folder"

python3 - <<'END'
import json

CELLS = (
    "def price(fruit: str) -> float:\n    return 2.5\n",
    "def price(fruit: str, kilos: int) -> float:\n    return 2.5 * kilos\n",
    "at_the_top = price('pear', 2)\n",
    "\ndef cost() -> float:\n    return price('pear', 2)\n\nprint(at_the_top, cost())\n",
)
cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
cells = [{**cell, "id": f"c{number}", "source": code} for number, code in enumerate(CELLS)]
known = {"metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
with open("notebook.ipynb", "w") as file:
    json.dump({"cells": cells, **known}, file)
print("the cells run:", end=" ")
names = {}
for code in CELLS:
    exec(code, names)
# The same as modules.
with open("first.py", "w") as file:
    file.write(CELLS[0])
with open("second.py", "w") as file:
    file.write(CELLS[1])
with open("last.py", "w") as file:
    file.write("from second import price\n" + CELLS[2] + CELLS[3])
END

"$ty" version
"$ty" check --output-format concise notebook.ipynb > notebook.txt || true
"$ty" check --output-format concise last.py > modules.txt || true
grep 'error\[' notebook.txt | sed 's/^notebook.ipynb/notebook/; s/\].*/]/' || echo "notebook: no error"
grep 'error\[' modules.txt || echo "modules: no error"
grep -q 'cell 4:3:.*too-many-positional-arguments' notebook.txt || exit 1
! grep -q 'cell 3:.*error' notebook.txt || exit 1
! grep -q 'error\[' modules.txt || exit 1
