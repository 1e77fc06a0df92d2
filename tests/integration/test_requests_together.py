"""Requests that are awaited together are under way together, and other coroutines go on meanwhile.

The server answers `/meet/N` only when N ask for it at the same time, and `/hold` when it is told
to: what passes here has overlapped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.process.cancel import Cancellation
from capsule.runner.run import run
from tests.integration.origin import Origin, authority
from tests.integration.workbench import Counting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

SETTINGS = (
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
)  # fmt: skip


@pytest.fixture(params=["plain", "tls"])
def origin(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Origin]:
    for name in (*SETTINGS, *map(str.lower, SETTINGS)):
        monkeypatch.delenv(name, raising=False)
    context = None
    if request.param == "tls":
        trusted, context = authority(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with Origin(context) as server:
        yield server


# What each client needs, and `get(path)` with it, which returns the text.
URLLIB = """
import urllib.request
def fetch(path):
    with urllib.request.urlopen(URL + path) as answer: return answer.read().decode()
async def get(path): return await asyncio.to_thread(fetch, path)
"""
REQUESTS = """
import requests
async def get(path):
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, lambda: requests.get(URL + path).text)
"""
HTTPX = """
import httpx
async def get(path):
    async with httpx.AsyncClient() as client: return (await client.get(URL + path)).text
"""
AIOHTTP = """
import aiohttp
async def get(path):
    async with aiohttp.ClientSession() as client, client.get(URL + path) as answer:
        return await answer.text()
"""
STREAMS = """
from urllib.parse import urlsplit
async def get(path):
    place = urlsplit(URL)
    reader, writer = await asyncio.open_connection(
        place.hostname, place.port, ssl=True if place.scheme == "https" else None
    )
    lines = f"GET {path} HTTP/1.1", f"Host: {place.netloc}", "Connection: close", "", ""
    try:
        writer.write("\\r\\n".join(lines).encode())
        said = (await reader.read()).decode()
    finally:
        writer.close()
    return said.partition("\\r\\n\\r\\n")[2]
"""
CLIENTS = {
    "urllib": ((), URLLIB), "requests": (("requests",), REQUESTS), "httpx": (("httpx",), HTTPX),
    "aiohttp": (("aiohttp",), AIOHTTP), "streams": ((), STREAMS),
}  # fmt: skip

LISTED = '# /// script\n# dependencies = ["requests"]\n# ///\n'
PROGRAM = """
from capsule import task
import asyncio
URL = {url!r}
{client}
@task(allowed_hosts=[{host!r}], compute="HIGH", timeout="60s")
async def main():
    steps = 0
    async def step():
        nonlocal steps
        while True:
            await asyncio.sleep(0.01)
            steps += 1
    stepping = asyncio.create_task(step())
    found = [await asyncio.gather(*(get("/meet/4") for _ in range(4)))]
    held = asyncio.create_task(get("/hold"))
    try:
        await asyncio.wait_for(asyncio.shield(held), 0.2)
    except TimeoutError:
        found.append("late")
    went_on = steps
    found += [await get("/release"), await held, went_on > 3]
    stepping.cancel()
    return found
"""


@pytest.mark.parametrize("name", CLIENTS)
def test_clients_do_not_stop_the_world(bench: Workbench, origin: Origin, name: str) -> None:
    packages, client = CLIENTS[name]
    listed = ", ".join(f'"{package}"' for package in packages)
    head = f"# /// script\n# dependencies = [{listed}]\n# ///\n" if packages else ""
    host = f"localhost:{origin.server_port}"
    envelope = bench.run(head + PROGRAM.format(url=origin.url, host=host, client=client))
    assert envelope["error"] is None
    assert envelope["result"] == [["met"] * 4, "late", "released", "held", True]


FETCHES = {
    "urllib": "import urllib.request\ndef fetch(url): return urllib.request.urlopen(url).read().decode()",
    "requests": f"{LISTED}import requests\ndef fetch(url): return requests.get(url).text",
}


@pytest.mark.parametrize("name", FETCHES)
def test_threads_ask_together_too(bench: Workbench, origin: Origin, name: str) -> None:
    envelope = bench.run(f"""{FETCHES[name]}
from capsule import task
from concurrent.futures import ThreadPoolExecutor
@task(allowed_hosts=["localhost:{origin.server_port}"], compute="HIGH", timeout="60s")
def main():
    with ThreadPoolExecutor(8) as pool: return list(pool.map(fetch, ["{origin.url}/meet/8"] * 8))
""")
    assert envelope["result"] == ["met"] * 8, envelope["error"]


def test_more_requests_than_may_be_open_wait_for_their_turn(
    bench: Workbench, origin: Origin
) -> None:
    envelope = bench.run(f"""
from capsule import task
import asyncio
URL = {origin.url!r}
{STREAMS}
@task(allowed_hosts=["localhost:{origin.server_port}"], compute="HIGH", timeout="60s")
async def main():
    found = await asyncio.gather(*(get(f"/{{number}}") for number in range(40)))
    return found == [f"hello /{{number}}" for number in range(40)]
""")
    assert envelope["result"] is True, envelope["error"]


def test_a_request_that_is_given_up_is_ended(bench: Workbench, origin: Origin) -> None:
    """Sixteen are open at most, so what is not ended would keep the others from beginning."""
    envelope = bench.run(f"""
from capsule import task
import asyncio
URL = {origin.url!r}
{STREAMS}
@task(allowed_hosts=["localhost:{origin.server_port}"], compute="HIGH", timeout="60s")
async def main():
    late = 0
    for _ in range(3):
        held = [asyncio.wait_for(get("/hold"), 0.1) for _ in range(16)]
        answers = await asyncio.gather(*held, return_exceptions=True)
        late += sum(isinstance(answer, TimeoutError) for answer in answers)
    return [late, await get("/release")]
""")
    assert envelope["result"] == [48, "released"], envelope["error"]


def test_sixteen_sub_tasks_wait_at_the_same_time(bench: Workbench, origin: Origin) -> None:
    source = f"""
from capsule import task
import asyncio, urllib.request
@task(allowed_hosts=["localhost:{origin.server_port}"], timeout="60s")
async def child(number):
    return urllib.request.urlopen({origin.url!r} + "/meet/16").read().decode()
@task(timeout="60s")
async def main():
    answers = await asyncio.gather(*(child(number) for number in range(16)))
    return [answer.result for answer in answers]
"""
    with Cancellation() as never:
        envelope = run(bench.order(source), Counting(), never)
    assert envelope["result"] == ["met"] * 16, envelope["error"]


def test_the_first_request_over_tls_costs_little(bench: Workbench, origin: Origin) -> None:
    """Besides what it costs to begin and to end with its client imported."""
    fuel, found = [], []
    for result in ("None", f"urllib.request.urlopen({origin.url!r}).read().decode()"):
        envelope = bench.run(f"""
from capsule import task
import urllib.request
@task(allowed_hosts=["localhost:{origin.server_port}"], timeout="60s")
def main(): return {result}
""")
        fuel.append(envelope["execution"]["fuel_consumed"] or 0)
        found.append(envelope["result"])
    assert found == [None, "hello /"]
    assert fuel[1] - fuel[0] < 10_000_000


def test_threads_of_a_package_go_on_too(bench: Workbench) -> None:
    """Its threads wait for work in functions of the package, again and again."""
    envelope = bench.run("""
# /// script
# dependencies = ["anyio"]
# ///
from capsule import task
import time
import anyio, anyio.to_thread
def later(number):
    time.sleep(0.05)
    return number
@task(compute="HIGH", timeout="60s")
def main():
    async def all_of_them():
        found = []
        async def one(number): found.append(await anyio.to_thread.run_sync(later, number))
        async with anyio.create_task_group() as group:
            for number in range(3): group.start_soon(one, number)
        return found
    return [sorted(anyio.run(all_of_them)) for _ in range(2)]
""")
    assert envelope["result"] == [[0, 1, 2]] * 2, envelope["error"]
    assert envelope["execution"]["stderr"] == ""
