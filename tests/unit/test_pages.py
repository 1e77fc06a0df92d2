"""The pages for people: what they link to is there, and all of them can be found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
# The reference is made from the commands, and looked up rather than read.
TO_BE_READ = sorted({*DOCS.glob("*.md")} - {INDEX, DOCS / "cli.md"})
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")),
        ROOT / "findings" / "README.md",
        *DOCS.glob("*.md"),
    ]
)

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def prose(page: Path) -> str:
    """A page without its code."""
    return _CODE.sub("", _FENCE.sub("", page.read_text()))


def links(page: Path) -> list[str]:
    """The addresses that a page links to, but those of the web."""
    found = _LINK.findall(prose(page))
    return [link for link in found if not link.startswith("https://")]


def anchors(page: Path) -> set[str]:
    """The names by which headings can be linked to: small letters, hyphens for spaces."""
    found = []
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text())):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.append(plain.replace(" ", "-"))
    assert len(found) == len(set(found)), f"two headings of {page.name} have one name"
    return set(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert target.is_relative_to(ROOT), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_every_page_is_in_the_index_once() -> None:
    listed = [link for link in links(INDEX) if "/" not in link and "#" not in link]
    assert sorted(listed) == sorted(page.name for page in DOCS.glob("*.md") if page != INDEX)


def test_the_project_leads_to_the_index_and_to_the_pages_for_those_who_change_it() -> None:
    found = links(ROOT / "README.md")
    assert {"docs/README.md", "docs/architecture.md", "CONTRIBUTING.md"} <= {*found}
    assert "findings/README.md" in links(ROOT / "CONTRIBUTING.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_is_named_is_there(page: Path) -> None:
    source = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    for name in re.findall(r"`(tests/[\w/]+\.py)`", page.read_text()):
        assert (ROOT / name).is_file(), name
    for name in re.findall(r"`(test_\w+)`", page.read_text()):
        assert any(f"def {name}(" in text for text in source.values()), name


@pytest.mark.parametrize("page", TO_BE_READ, ids=lambda page: page.name)
def test_a_page_says_what_for_and_what_next(page: Path) -> None:
    text = page.read_text()
    paragraphs = text.split("\n\n")
    assert paragraphs[0].startswith("# ")
    assert paragraphs[1].startswith("After this page you "), paragraphs[1]
    assert re.search(r"^Next: \[", text, re.MULTILINE), "there is no link to the next page"
