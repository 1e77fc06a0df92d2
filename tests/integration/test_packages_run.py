"""Real packages from the index, declared in the task file, doing their job in the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.errors import UsageError
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.source import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.envelope import Envelope
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

TASKS = {
    "requests": """
import requests
def main():
    asked = requests.Request("POST", "http://example.com/a b", params={"q": "\\u00e9"}, json=[1])
    sent = asked.prepare()
    return [sent.url, sent.headers["Content-Type"], sent.body.decode()]
""",
    "rich": """
import io
from rich.console import Console
from rich.table import Table
def main():
    table = Table("name", "size")
    table.add_row("[bold]a[/bold]", "1")
    out = io.StringIO()
    Console(file=out, width=30, legacy_windows=False).print(table)
    return [line.split() for line in out.getvalue().splitlines() if "a" in line]
""",
    "pydantic<2": """
from pydantic import BaseModel, ValidationError, validator
class Item(BaseModel):
    name: str
    price: float
    @validator("price")
    def positive(cls, value):
        if value < 0: raise ValueError("negative")
        return value
def main():
    try:
        Item(name="x", price=-1)
    except ValidationError as error:
        return [Item(name="y", price="2.5").dict(), error.errors()[0]["msg"]]
""",
    "jinja2": """
import jinja2
def main():
    return jinja2.Template("{% for x in xs %}<{{ x|e }}>{% endfor %}").render(xs=["a&b", 2])
""",
    "attrs": """
import attrs
@attrs.define
class Point:
    x: int = attrs.field(validator=attrs.validators.instance_of(int))
def main():
    try:
        Point("a")
    except TypeError as error:
        return [attrs.asdict(Point(1)), type(error).__name__]
""",
    "sympy": """
import sympy
def main():
    x = sympy.symbols("x")
    return [str(sympy.integrate(x * sympy.exp(x), x)), str(sympy.factor(x**3 - 1))]
""",
    "faker": """
from faker import Faker
def main():
    fake = Faker("de_DE")
    fake.seed_instance(3)
    return [type(fake.name()).__name__, len(fake.words(5))]
""",
    "babel": """
from babel.dates import format_date
from babel.numbers import format_currency
import datetime
def main():
    return [format_date(datetime.date(2026, 3, 1), locale="fr"), format_currency(12, "EUR", locale="de")]
""",
    "markdown-it-py": """
from markdown_it import MarkdownIt
def main(): return MarkdownIt().render("# a *b*")
""",
}

RESULTS = {
    "requests": ["http://example.com/a%20b?q=%C3%A9", "application/json", "[1]"],
    "rich": [["\u2502", "a", "\u2502", "1", "\u2502"]],
    "pydantic<2": [{"name": "y", "price": 2.5}, "negative"],
    "jinja2": "<a&amp;b><2>",
    "attrs": [{"x": 1}, "TypeError"],
    "sympy": ["(x - 1)*exp(x)", "(x - 1)*(x**2 + x + 1)"],
    "faker": ["str", 5],
    "babel": ["1 mars 2026", "12,00\xa0\u20ac"],
    "markdown-it-py": "<h1>a <em>b</em></h1>\n",
}


def declared(name: str, source: str) -> str:
    return f'# /// script\n# dependencies = ["{name}"]\n# ///\n{source}'


@pytest.mark.parametrize("name", TASKS)
def test_a_package_does_its_job(bench: Workbench, name: str) -> None:
    source = declared(name, TASKS[name])
    found: list[Envelope] = [bench.run(source, compute=10**11) for _ in range(2)]
    for envelope in found:
        result = envelope["result"]
        if name == "rich":
            result = [row for row in result if "1" in row]
        assert result == RESULTS[name], envelope["error"]
    assert bench.recorder.plain is None


def test_data_files_of_packages_are_files(bench: Workbench) -> None:
    source = declared(
        "certifi",
        "import certifi\ndef main(): return open(certifi.where()).read(100).count('#') > 0",
    )
    assert bench.run(source)["result"] is True


def test_packages_cannot_be_written(bench: Workbench) -> None:
    source = declared(
        "certifi",
        "import certifi\ndef main():\n    try: open(certifi.where(), 'a')\n"
        "    except OSError as error: return type(error).__name__",
    )
    assert bench.run(source)["result"] == "PermissionError"


def test_a_module_of_a_package_that_is_imported_late_is_found(bench: Workbench) -> None:
    source = declared(
        "requests",
        "import idna\ndef main():\n    import urllib3.util.retry as r\n    return r.__name__",
    )
    for _ in range(2):
        assert bench.run(source)["result"] == "urllib3.util.retry"
        assert bench.recorder.plain is None


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ('dependencies = ["orjson"]', "orjson"),
        ('dependencies = ["numpy<2"]', "numpy"),
        ('requires-python = ">=3.99"', ">=3.99"),
        ('dependencies = ["no such name"]', "no such name"),
        ('dependencies = ["capsule-has-no-such-package"]', "capsule-has-no-such-package"),
        ('dependencies = ["./here"]', "./here"),
    ],
)
def test_what_cannot_be_had_is_refused_by_name_before_the_run(
    metadata: str, said: str, toolchain_home: Path, tmp_path: Path
) -> None:
    text = f"# /// script\n# {metadata}\n# ///\ndef main(): return 1\n"
    source = read_text(text.encode(), tmp_path)
    with pytest.raises(UsageError) as caught:
        prepare.order(source, prepare.Call(), toolchain_home, Silent())
    assert said in str(caught.value)
