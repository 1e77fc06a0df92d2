"""urllib3 and requests, unchanged, over the stand-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Inside = Callable[[str], Any]

pytest.importorskip("requests")
pytest.importorskip("urllib3")


def test_requests_does_what_it_does(inside: Inside) -> None:
    said = inside(
        """
        import requests
        with requests.Session() as session:
            moved = session.get("https://a.test/redirect/2")
            form = session.post("http://a.test/p", data={"a": "1"}, params={"q": "\\u00e9"}).json()
            pieces = session.put("http://a.test/p", data=(b"ab" for _ in range(9))).json()
            zipped = session.get("https://a.test/gzip").text
            nothing = session.head("http://a.test/end")
            missing = session.get("http://a.test/status/404").status_code
        say([
            moved.url, [r.status_code for r in moved.history], form["path"], form["body"],
            pieces["body"], len(zipped), nothing.text, missing, len(far.open),
        ])
        """
    )
    assert said == [
        "https://a.test/end", [302, 302], "/p?q=%C3%A9", "a=1", "ab" * 9, 10000, "", 404, 0,
    ]  # fmt: skip


def test_requests_streams_in_little_memory(inside: Inside) -> None:
    said = inside(
        """
        import requests, tracemalloc
        requests.get("http://a.test/end")
        tracemalloc.start()
        with requests.get("https://a.test/large", stream=True) as answer:
            total = sum(map(len, answer.iter_content(100000)))
        say([total, tracemalloc.get_traced_memory()[1] < 4 << 20, len(far.open)])
        """
    )
    assert said == [20 << 20, True, 0]


def test_an_answer_left_in_the_middle_is_finished(inside: Inside) -> None:
    said = inside(
        """
        import requests
        with requests.get("https://a.test/large", stream=True) as answer:
            first = len(next(answer.iter_content(1000)))
        say([first, len(far.open)])
        """
    )
    assert said == [1000, 0]


def test_verification_is_the_hosts_whatever_is_said(inside: Inside) -> None:
    said = inside(
        """
        import requests, urllib3
        urllib3.disable_warnings()
        open_ = requests.get("https://a.test/p", verify=False)
        out = [open_.status_code]
        try:
            urllib3.PoolManager(assert_fingerprint="00" * 32, retries=False).request("GET", "https://a.test/")
        except urllib3.exceptions.SSLError as error:
            out.append(str(error))
        pool = urllib3.PoolManager(assert_hostname="a.test", ca_certs="/no/such/file")
        out.append(pool.request("GET", "https://a.test/").status)
        say(out)
        """
    )
    assert said[0] == said[2] == 200
    assert "No certificate for the peer" in said[1]


def test_requests_knows_the_failures(inside: Inside) -> None:
    said = inside(
        """
        import requests
        out = []
        for host in ("refused.test", "closed.test", "slow.test"):
            try:
                requests.get(f"https://{host}/", timeout=3)
            except requests.RequestException as error:
                out.append([type(error).__name__, str(error)])
        say(out)
        """
    )
    assert [name for name, _ in said] == ["ConnectionError", "ConnectionError", "ReadTimeout"]
    assert "refused.test is not among the allowed hosts" in said[0][1]


def test_urllib3_uses_a_connection_again(inside: Inside) -> None:
    said = inside(
        """
        import urllib3
        with urllib3.PoolManager() as manager:
            for path in ("/a", "/chunked", "/gzip", "/status/204", "/b"):
                manager.request("GET", f"https://a.test{path}")
            pool = manager.connection_from_url("https://a.test")
            say([pool.num_connections, pool.num_requests, len(far.open)])
        """
    )
    assert said == [1, 5, 0]
