"""What is run on both processors: what each program gives, and the fuel that it takes."""

from __future__ import annotations

TASKS = {
    "sums": "def main(): return sum(n * n % 7 for n in range(60_000))",
    "text": "def main(): return len(''.join(str(n) for n in range(40_000)).replace('9', 'ab'))",
    "dicts": "def main(): return len({str(n): n for n in range(30_000)}.items())",
    "floats": (
        "import math\n"
        "def main(): return [sum(math.sin(n) * math.sqrt(n) for n in range(20_000)), 0.1 + 0.2]"
    ),
    "json": (
        "import json\ndef main(): return len(json.dumps(json.loads(json.dumps("
        "[{'n': n, 't': 'x' * (n % 9)} for n in range(3_000)]))))"
    ),
    "sorting": (
        "import random\ndef main():\n    draw = random.Random(7)\n"
        "    return sorted(draw.random() for _ in range(20_000))[1_000]"
    ),
    "classes": (
        "class P:\n    def __init__(self, n): self.n = n\n"
        "    def more(self): return P(self.n + 1)\n"
        "def main():\n    p = P(0)\n    for _ in range(15_000): p = p.more()\n    return p.n"
    ),
    "decimals": (
        "from decimal import Decimal\n"
        "def main(): return str(sum(Decimal(n) / 7 for n in range(1, 600)))"
    ),
    "expressions": (
        "import re\n"
        r"def main(): return len(re.findall(r'(\d+)-(\w+)', '12-ab 345-cde ' * 9_000))"
    ),
    "failure": "def main(): return [1][2]",
}
