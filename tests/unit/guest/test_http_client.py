"""`http.client` and `urllib.request`, unchanged, over the stand-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Inside = Callable[[str], Any]


def test_requests_one_after_the_other_on_one_connection(inside: Inside) -> None:
    said = inside(
        """
        import http.client, select
        c = http.client.HTTPConnection("a.test", 8080, timeout=5)
        out = []
        for method, body in (("GET", None), ("POST", b"abc"), ("PUT", b"x" * 200000), ("DELETE", None)):
            c.request(method, "/p?q=1", body, {"X-A": "1"})
            sock, answer = c.sock, c.getresponse()
            at = json.loads(answer.read())
            poll = select.poll()
            poll.register(sock, select.POLLIN)
            out.append([answer.status, at["method"], at["length"], at["path"], poll.poll(0)])
            assert c.sock is sock
        say([out, [a["url"] for a in far.asked], len(far.open), at["headers"]["Host"]])
        """
    )
    assert said == [
        [
            [200, "GET", 0, "/p?q=1", []],
            [200, "POST", 3, "/p?q=1", []],
            [200, "PUT", 200000, "/p?q=1", []],
            [200, "DELETE", 0, "/p?q=1", []],
        ],
        ["http://a.test:8080/p?q=1"] * 4,
        0,
        "a.test:8080",
    ]


def test_https_is_asked_of_the_host(inside: Inside) -> None:
    said = inside(
        """
        import http.client, ssl
        c = http.client.HTTPSConnection("a.test")
        c.request("GET", "/p")
        r = c.getresponse()
        r.read()
        say([far.asked[0]["url"], c.sock.version(), c.sock.getpeercert()["subjectAltName"],
             c.sock.selected_alpn_protocol(), c.sock.cipher()[1], type(c.sock).__name__])
        c.close()
        """
    )
    assert said == [
        "https://a.test/p",
        "TLSv1.3",
        [["DNS", "a.test"]],
        None,
        "TLSv1.3",
        "SSLSocket",
    ]


def test_a_generator_is_sent_in_pieces(inside: Inside) -> None:
    said = inside(
        """
        import http.client
        c = http.client.HTTPConnection("a.test")
        c.request("POST", "/p", (b"ab" * 1000 for _ in range(100)), encode_chunked=True,
                  headers={"Transfer-Encoding": "chunked"})
        at = json.loads(c.getresponse().read())
        say([at["length"], at["body"], at["headers"]["Transfer-Encoding"]])
        """
    )
    assert said == [200000, "ab" * 50, "chunked"]


def test_answers_without_a_body(inside: Inside) -> None:
    said = inside(
        """
        import http.client
        c = http.client.HTTPConnection("a.test")
        out = []
        for method, path in (("HEAD", "/end"), ("GET", "/status/204"), ("GET", "/status/304"), ("GET", "/status/404")):
            c.request(method, path)
            r = c.getresponse()
            out.append([r.status, r.read().decode(), int(r.getheader("Content-Length", "0")) > 0])
        say([out, len(far.open)])
        """
    )
    assert said == [
        [[200, "", True], [204, "", False], [304, "", False], [404, "", False]],
        0,
    ]


def test_chunked_answers_keep_the_connection(inside: Inside) -> None:
    said = inside(
        """
        import http.client
        c = http.client.HTTPConnection("a.test")
        out = []
        for _ in range(2):
            c.request("GET", "/chunked")
            r = c.getresponse()
            out.append([r.read().decode(), r.getheader("Transfer-Encoding"), r.will_close])
        say([out, len(far.open)])
        """
    )
    assert said == [[["one two three", "chunked", False]] * 2, 0]


def test_an_answer_that_breaks_off_is_noticed(inside: Inside) -> None:
    said = inside(
        """
        import http.client
        out = []
        for path in ("/broken", "/short"):
            c = http.client.HTTPConnection("a.test")
            c.request("GET", path)
            try:
                c.getresponse().read()
            except (OSError, http.client.HTTPException) as error:
                out.append(type(error).__name__)
            c.close()
        say([out, len(far.open)])
        """
    )
    assert said == [["ConnectionAbortedError", "IncompleteRead"], 0]


def test_a_large_answer_takes_little_memory(inside: Inside) -> None:
    said = inside(
        """
        import http.client, tracemalloc, urllib.request
        urllib.request.urlopen("http://a.test/end").read()
        tracemalloc.start()
        total = 0
        with urllib.request.urlopen("http://a.test/large") as answer:
            while data := answer.read(100000):
                total += len(data)
        say([total, tracemalloc.get_traced_memory()[1] < 2 << 20])
        """
    )
    assert said == [20 << 20, True]


def test_urllib_follows_redirects_and_posts(inside: Inside) -> None:
    said = inside(
        """
        import urllib.error, urllib.request
        with urllib.request.urlopen("https://a.test/redirect/3") as answer:
            url, at = answer.url, json.load(answer)
        with urllib.request.urlopen("http://a.test/post", data=b"a=1") as answer:
            post = json.load(answer)
        try:
            urllib.request.urlopen("http://a.test/status/404")
        except urllib.error.HTTPError as error:
            code = error.code
            error.close()
        say([url, at["path"], post["method"], post["body"], code, len(far.open)])
        """
    )
    assert said == ["https://a.test/end", "/end", "POST", "a=1", 404, 0]


def test_failures_are_what_urllib_knows(inside: Inside) -> None:
    said = inside(
        """
        import urllib.error, urllib.request
        out = []
        for host in ("refused.test", "closed.test", "gone.test", "slow.test"):
            try:
                urllib.request.urlopen(f"https://{host}/", timeout=3)
            except urllib.error.URLError as error:
                out.append(["URLError", type(error.reason).__name__, str(error.reason)])
            except OSError as error:
                out.append(["", type(error).__name__, str(error)])
        say(out)
        """
    )
    assert [[a, b] for a, b, _ in said] == [
        ["URLError", "PermissionError"],
        ["URLError", "ConnectionRefusedError"],
        ["URLError", "ConnectionAbortedError"],
        ["", "TimeoutError"],
    ]
    assert "refused.test is not among the allowed hosts" in said[0][2]


def test_the_standard_library_is_left_alone_until_it_is_imported(inside: Inside) -> None:
    said = inside("say([n for n in sys.modules if n in far_side.REPLACED])")
    assert said == []
