"""What to write in place of an object that is not JSON, so that it is."""

from __future__ import annotations

# By the package of a class, or of one that it is made from, and its name.
_HOW = {
    ("pandas", "DataFrame"): 'use .to_dict("records")',
    ("pandas", "Series"): "use .tolist(), or .to_dict() to keep the index",
    ("pandas", "Index"): "use .tolist()",
    ("pandas", "Categorical"): "use .tolist()",
    ("pandas", "ExtensionArray"): "use .tolist()",
    ("pandas", "Interval"): "use str(...)",
    ("numpy", "ndarray"): "use .tolist()",
    ("numpy", "complexfloating"): "use [z.real.item(), z.imag.item()]",
    ("numpy", "floating"): "use float(...), which has fewer digits",
    ("numpy", "void"): "use .tolist()",
    ("builtins", "set"): "use sorted(...) or list(...)",
    ("builtins", "frozenset"): "use sorted(...) or list(...)",
    ("builtins", "bytes"): "use .decode() for text, base64.b64encode(...).decode() for other bytes",
    ("builtins", "bytearray"): (
        "use .decode() for text, base64.b64encode(...).decode() for other bytes"
    ),
    ("builtins", "memoryview"): "use .tolist(), or base64.b64encode(...).decode()",
    ("builtins", "complex"): "use [z.real, z.imag]",
    ("builtins", "range"): "use list(...)",
    ("builtins", "mappingproxy"): "use dict(...)",
    ("builtins", "function"): "call it, and return what it gives",
    ("builtins", "coroutine"): "await it, and return what it gives",
    ("builtins", "module"): "return what is wanted of it",
    ("builtins", "type"): "return what is wanted of it",
    ("builtins", "BaseException"): "use str(...)",
    ("array", "array"): "use .tolist()",
    ("collections", "deque"): "use list(...)",
    ("collections", "UserDict"): "use dict(...)",
    ("collections", "ChainMap"): "use dict(...)",
    ("datetime", "datetime"): "use .isoformat()",
    ("datetime", "date"): "use .isoformat()",
    ("datetime", "time"): "use .isoformat()",
    ("datetime", "timedelta"): "use .total_seconds()",
    ("decimal", "Decimal"): "use str(...), which keeps every digit, or float(...)",
    ("fractions", "Fraction"): "use str(...) or float(...)",
    ("enum", "Enum"): "use .value",
    ("pathlib", "PurePath"): "use str(...)",
    ("uuid", "UUID"): "use str(...)",
    ("re", "Match"): "use .group() or .groups()",
    ("matplotlib", "Figure"): (
        'use fig.savefig(b := io.BytesIO(), format="png"), and base64.b64encode(b.getvalue())'
        ".decode()"
    ),
    ("PIL", "Image"): (
        'use image.save(b := io.BytesIO(), "PNG"), and base64.b64encode(b.getvalue()).decode()'
    ),
    ("sympy", "Integer"): "use int(...)",
    ("sympy", "Basic"): "use str(...), or float(...) for a number",
    ("mpmath", "mpnumeric"): "use str(...) or float(...)",
    ("pydantic", "BaseModel"): "use .model_dump(), or .dict() before version 2",
    ("sqlite3", "Row"): "use dict(...)",
    ("capsule_guest", "Envelope"): "use dict(...)",
}


def how_to_convert(value: object) -> str | None:
    """Return what to write for `value`, None where nobody knows."""
    kind = type(value)
    for base in kind.__mro__:
        if how := _HOW.get((base.__module__.partition(".")[0], base.__name__)):
            return how
    if hasattr(kind, "__dataclass_fields__"):
        return "use dataclasses.asdict(...)"
    if hasattr(kind, "__attrs_attrs__"):
        return "use attrs.asdict(...)"
    if hasattr(kind, "__next__") or (hasattr(kind, "__iter__") and hasattr(kind, "__len__")):
        return "use dict(...)" if hasattr(kind, "keys") else "use list(...)"
    return None
