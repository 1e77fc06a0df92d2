"""The page of a run: whatever a task chose is text, and nothing is loaded."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given

from capsule.cli.render.html_page import page
from capsule.cli.render.terminal_text import cleaned
from capsule.lifecycle.reader import Node, Run
from tests.unit.cli.render.test_render import NOW, attempt, trees

HOSTILE = "</script><img src=x onerror=document.title='broken'>\"'><script>document.title='broken'</script>"
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "dl", "dt", "dd"),
    *("table", "thead", "tbody", "tr", "th", "td", "span", "a", "i", "b", "div", "details"),
    *("summary", "p", "ol", "li", "pre"),
}
ATTRIBUTES = {
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "style",
    "id",
    "href",
    "open",
}


class Reader(HTMLParser):
    """Collects what there is, and holds it to what there may be."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        if tag != "meta":
            self.open.append(tag)
        for name, value in attrs:
            assert name in ATTRIBUTES
            assert value is None or not set(value) & set("<>\\"), value
            assert name != "href" or (value or "").startswith("#a")
            assert "url(" not in (value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            assert "url(" not in data
            assert "@import" not in data
        else:
            self.text.append(data)


def read(text: str) -> str:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return "".join(reader.text)


def hostile() -> Run:
    row = attempt(
        task=HOSTILE, file=HOSTILE, state="failed", error_type="task_error", message=HOSTILE,
        traceback=HOSTILE, stdout=HOSTILE, stderr=HOSTILE,
        host_requests='[{"method": "GET", "url": "http://x/</li><script>", "status": 200}]',
    )  # fmt: skip
    return Run("0123456789abcdef", (Node(row, (Node(row._replace(id="0123456789abcdef.2")),)),))


def test_what_a_task_chose_is_text() -> None:
    text = read(page(hostile(), NOW))
    # Twice each: error, traceback, stdout, stderr, and the name in its two lines and its box; once:
    # the file, and the name in both titles.
    assert text.count(HOSTILE) == 17
    assert "http://x/</li><script>" in text


@given(trees())
def test_any_run(tree: Node) -> None:
    text = read(page(Run("0123456789abcdef", (tree,)), NOW))
    assert cleaned(tree.attempt.task).strip() in text
