"""Rules about system calls as a program of classic BPF, which the kernel runs on each call.

Layouts and constants are those of the kernel's `include/uapi/linux/{seccomp,filter,bpf_common}.h`.
"""

from __future__ import annotations

import errno
import struct

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_Instruction = tuple[int, int, int, int]

# Instructions: load a word, mask it, compare and jump, jump, answer.
_LOAD, _AND, _IF_EQUAL, _IF_AT_LEAST, _GO, _ANSWER = 0x20, 0x54, 0x15, 0x35, 0x05, 0x06
# A comparison jumps over so many instructions at most.
_FAR = 255
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
# System calls of the x32 ABI have this bit; they are the same calls under other numbers.
_X32 = 0x40000000
_WORD = 0xFFFFFFFF

# Answers: SECCOMP_RET_ALLOW, and SECCOMP_RET_ERRNO with what the caller is told.
ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
MISSING = 0x00050000 | errno.ENOSYS


class Only(NamedTuple):
    """That one of `values` is in an argument, of which `mask` is looked at.

    The kernel reads 32 bits of most arguments; `high` means the other half of one that has 64.
    """

    argument: int
    values: tuple[int, ...]
    mask: int = _WORD
    high: bool = False


# What is answered to a number: an answer, or conditions that all have to hold for it to be allowed.
Answer = int | tuple[Only, ...]


class Rules(NamedTuple):
    """What is answered: to the calls of `numbers`; `others` says it of a number that is not there.

    `others` holds numbers and answers: from each number on, up to the next, its answer.
    """

    numbers: Mapping[int, Answer]
    others: tuple[tuple[int, int], ...]


def program(architecture: int, rules: Rules) -> bytes:
    """Return the filter for calls of `architecture`, as the kernel reads it.

    What is of another architecture or ABI is refused. When a process gives up calls, the kernel
    runs the filter on every number that there is. So the numbers are searched and not gone
    through: that takes a quarter of the time.
    """
    code: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_IF_EQUAL, 1, 0, architecture),
        (_ANSWER, 0, 0, REFUSE),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    code += _search(list(_ranges(rules)))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def _ranges(rules: Rules) -> Iterable[tuple[int, Answer]]:
    """Yield from which number on which answer holds; no two in a row are the same."""
    others = dict(rules.others)
    edges = {_X32, *others}
    for number in rules.numbers:
        edges |= {number, number + 1}
    last: Answer | None = None
    beside = REFUSE
    for edge in sorted(edges):
        beside = others.get(edge, beside)
        answer = REFUSE if edge >= _X32 else rules.numbers.get(edge, beside)
        if answer != last:
            yield edge, answer
        last = answer


def _search(ranges: list[tuple[int, Answer]]) -> list[_Instruction]:
    if len(ranges) == 1:
        return _answered(ranges[0][1])
    middle = len(ranges) // 2
    below, above = _search(ranges[:middle]), _search(ranges[middle:])
    if len(below) <= _FAR:
        return [(_IF_AT_LEAST, len(below), 0, ranges[middle][0]), *below, *above]
    jump = (_GO, 0, 0, len(below))
    return [(_IF_AT_LEAST, 0, 1, ranges[middle][0]), jump, *below, *above]


def _answered(answer: Answer) -> list[_Instruction]:
    if isinstance(answer, int):
        return [(_ANSWER, 0, 0, answer)]
    code: list[_Instruction] = [(_ANSWER, 0, 0, ALLOW), (_ANSWER, 0, 0, REFUSE)]
    # From the end, as each condition jumps over those behind it to where it is refused.
    for condition in reversed(answer):
        at = _ARGUMENTS_AT + 8 * condition.argument + 4 * condition.high
        refused = len(code) - 1
        tests = [
            (_IF_EQUAL, left, 0 if left else refused, value)
            for left, value in zip(
                range(len(condition.values) - 1, -1, -1), condition.values, strict=True
            )
        ]
        masked = [(_AND, 0, 0, condition.mask)] if condition.mask != _WORD else []
        code = [(_LOAD, 0, 0, at), *masked, *tests, *code]
    return code
