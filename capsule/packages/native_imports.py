"""Which packages' native code a task may come to need, as far as its sources show that.

The smaller interpreters have what is found here, and no more. To find too much costs a compile and
a slower start; too little, the first run: an import of what is not there ends it.
"""

from __future__ import annotations

import re

from capsule.packages.builtin_distributions import imports_with
from capsule.toolstore.flavours import NATIVES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# What the packages that the interpreter brings import besides, where that is there: at once, or
# where a function is called. It counts for tasks that need native code anyway. On core they do
# without, as where it is not installed.
_OPTIONAL = {
    "bs4": ("lxml",),
    "fontTools": ("lxml",),
    "html5lib": ("lxml",),
    "joblib": ("numpy",),
    "networkx": ("numpy", "scipy", "pandas", "matplotlib"),
    "openpyxl": ("numpy", "lxml", "PIL"),
    "patsy": ("pandas", "scipy"),
    "pypdf": ("PIL",),
    "seaborn": ("scipy", "statsmodels"),
    "sympy": ("numpy", "scipy", "matplotlib"),
    "xlsxwriter": ("PIL",),
}
# What a source has where a package that it imports comes to import another.
_WORDS = {
    "pandas": (
        (rb"\.\s*(?:plot|hist|boxplot|background_gradient|text_gradient)\b|plotting", "matplotlib"),
        (rb"[Ee]xcel|(?:read|to)_xml|read_html", "lxml"),
        (rb"interpolate|kendall|spearman|win_type|sparse|['\"](?:kde|density)['\"]", "scipy"),
    ),
    "PIL": ((rb"numpy|asarray", "numpy"),),
}
# Code that is made while a task runs, and objects of classes that are found then, import what no
# source names.
_ANYTHING = re.compile(
    rb"(?<![.\w])(?:exec|eval|__import__)\s*\(|import_module|\brunpy\b|InteractiveInterpreter"
    rb"|\bpickle\b|joblib\s*\.\s*load|read_pickle|allow_pickle"
)


def natives_of(
    imports: frozenset[str], sources: Iterable[bytes] = (), *, guesses: bool = True
) -> frozenset[str]:
    """Return the packages with native code that a task may import, given what it names.

    With `guesses` it is all of them where a source may import what it does not name.

    >>> sorted(natives_of(frozenset(["json", "pandas"])))
    ['numpy', 'pandas']
    >>> sorted(natives_of(frozenset(["pandas"]), [b"frame.plot()"]) - {"numpy", "pandas"})
    ['PIL', 'contourpy', 'kiwisolver', 'matplotlib']
    """
    found = imports_with(imports)
    if not found & NATIVES:
        return frozenset()
    wanted = found.union(*(_OPTIONAL[name] for name in found & _OPTIONAL.keys()))
    for source in sources:
        if guesses and _ANYTHING.search(source):
            return NATIVES
        wanted |= {
            needed
            for name in wanted & _WORDS.keys()
            for pattern, needed in _WORDS[name]
            if re.search(pattern, source)
        }
    return imports_with(wanted) & NATIVES
