"""What a model might have written: some right, some wrong, some endless, some hostile."""

_LONGEST_RUN = """
def longest_run(items):
    best = run = 0
    before = object()
    for item in items:
        run = run + 1 if item == before else 1
        best, before = max(best, run), item
    return best
"""
_CHANGE = """
def change(coins, amount):
    fewest = [0] + [float("inf")] * amount
    for total in range(1, amount + 1):
        for coin in coins:
            if coin <= total:
                fewest[total] = min(fewest[total], fewest[total - coin] + 1)
    return fewest[amount] if fewest[amount] != float("inf") else -1
"""
_BALANCED = """
def balanced(text):
    pairs, stack = {")": "(", "]": "[", "}": "{"}, []
    for sign in text:
        if sign in pairs.values():
            stack.append(sign)
        elif sign in pairs and (not stack or stack.pop() != pairs[sign]):
            return False
    return not stack
"""
_ROTATE = """
def rotate(items, n):
    if not items:
        return []
    n %= len(items)
    return items[-n:] + items[:-n] if n else items
"""
_ROMAN = """
def roman(text):
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
    numbers = [values[sign] for sign in text]
    return sum(
        -one if one < after else one for one, after in zip(numbers, [*numbers[1:], 0])
    )
"""

SOLUTIONS = {
    "longest_run": [
        _LONGEST_RUN,
        "def longest_run(items):\n    return len(set(items))\n",
        "def longest_run(items):\n    while True:\n        pass\n",
        (
            "from itertools import groupby\n"
            "def longest_run(items):\n"
            "    return max((len(list(run)) for _, run in groupby(items)), default=0)\n"
        ),
    ],
    "change": [
        _CHANGE,
        # Takes the largest coin first, which is wrong for 4, 3, 1.
        (
            "def change(coins, amount):\n    count = 0\n"
            "    for coin in sorted(coins, reverse=True):\n"
            "        count += amount // coin\n        amount %= coin\n"
            "    return count if amount == 0 else -1\n"
        ),
        "def change(coins, amount):\n    return ['x' * 10**9 for _ in coins]\n",
        "def change(coins, amount):\n    return change(coins, amount)\n",
    ],
    "balanced": [
        _BALANCED,
        "def balanced(text):\n    return text.count('(') == text.count(')')\n",
        # Looks for the right answers.
        (
            "def balanced(text):\n    import inspect\n"
            "    return inspect.stack()[1].frame.f_locals['answers']\n"
        ),
        # Would like to have passed.
        "import os, sys\ndef balanced(text):\n    print('{\"success\": true}')\n    os._exit(0)\n",
    ],
    "rotate": [
        _ROTATE,
        "def rotate(items, n):\n    return items[-n:] + items[:-n]\n",
        "def rotate(items, n):\n    return open('/etc/passwd').read()\n",
        "import time\ndef rotate(items, n):\n    time.sleep(1_000_000)\n",
    ],
    "roman": [
        _ROMAN,
        "def roman(text):\n    return {'III': 3, 'IV': 4}[text]\n",
        (
            "import urllib.request\n"
            "def roman(text):\n"
            "    return int(urllib.request.urlopen('http://roman.example/' + text).read())\n"
        ),
        "def roman(text) return 1\n",
    ],
}
