"""Ten programs from a million units of fuel to ten thousand millions."""

from __future__ import annotations

_BODIES = {
    "1e6, formatting": "return sum(len(f'{i:>5}{i * 0.5:.2f}') for i in range(90))",
    "3e6, a loop": "t = 0\n    for i in range(2_200): t += i * 3 % 7\n    return t",
    "1e7, comprehensions": "return len([x * x for x in range(7_500) if x % 3])",
    "3e7, strings": "return len(' '.join(str(i) for i in range(8_000)).split())",
    "1e8, dictionaries": "d = {}\n    for i in range(100_000): d[i % 997] = i\n    return len(d)",
    "3e8, JSON": "import json\n    rows = [[i, str(i)] for i in range(17_000)]"
    "\n    return len(json.dumps(json.loads(json.dumps(rows))))",
    "1e9, sorting": "return sorted(range(220_000), key=lambda i: i * 7919 % 400_009)[5]",
    "2e9, sieve": "s = bytearray(b'x') * 4_000_000\n    for i in range(2, 2_000):"
    "\n        if s[i]: s[i * i::i] = bytes(len(s[i * i::i]))\n    return sum(map(bool, s[2:]))",
    "5e9, recursion": "def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\n    return f(31)",
    "1e10, floats": "t = 0.5\n    for i in range(11_000_000): t = t * 0.9999999 + 0.5"
    "\n    return t > 0",
}
PROGRAMS = {
    name: f"from capsule import task\n\n@task(compute=50_000_000_000)\ndef main():\n    {body}\n"
    for name, body in _BODIES.items()
}
