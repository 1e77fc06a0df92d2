"""What docs/differences.md says besides what is measured."""

from __future__ import annotations

INTRO = """\
# Differences

After this page you know where a program answers otherwise inside than under CPython on your
machine, by how much, and what is missing.

A program that runs in both places gives the same values, but for what stands here. The page is
written by the parity suite, `nox -s parity`, which runs small programs in a sandbox and under
CPython with the same packages on Linux x86-64, and compares the answers to the last bit, types
included:
"""

COUNTS = """\
Where a program differs and no row of this page has it, the suite fails; so it does where a
row's program no longer differs. What is "within tolerance" is [below](#within-a-tolerance).
"""

ELSEWHERE = """\
What takes longer rather than being different: `decimal` is written in Python inside, and 40 to
140 times slower than outside. Time and memory that a task uses are bounded by [its
limits](run.md), and differ anyway. What a task may reach at all, files, hosts, variables, is
said in [Permissions](permissions.md).

An answer can be looked at as the suite does, by running the program:

```python
# widths.py
import numpy as np


def main() -> list[str]:
    return [np.array([1, 2]).dtype.name, np.argsort([2, 1]).dtype.name]
```

```sh
capsule run widths.py --result
```

```text
["int64", "int32"]
```
"""

WITHIN = """\
## Within a tolerance

Last digits may differ where a standard leaves them open: other compilers, other libraries of
elementary functions, sums in another order. "1 ulp" is one unit in the last place of each
number; a figure such as 1e-12 is a part of the largest number of the answer. A program without
a tolerance has to be equal.
"""

NEXT = """\
Next: [what runs, and what ran](lifecycle.md).
"""
