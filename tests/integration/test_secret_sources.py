"""Where secrets come from, who has them, and what is left of them behind a run: nothing."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from capsule import Sandbox, SandboxSync, Session, SessionSync, run, run_sync
from capsule.errors import CapsuleError, ConfigError, PolicyError, UsageError
from capsule.services.http.ca_certificates import SETTINGS
from tests.integration.command import Command
from tests.integration.echo_server import EchoServer
from tests.integration.origin import authority
from tests.integration.worker_client import on_streams

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration

VALUE = "sk-live-7f3a9c51e8"
PLACEHOLDER = re.compile(r"capsule-secret-[0-9a-f]{32}")
# What a task of a file, code on the command line, and a turn can all be.
CODE = """
import os, urllib.request
def use(port):
    request = urllib.request.Request(f"http://localhost:{port}/all", headers={"X-Key": os.environ["KEY"]})
    return [os.environ["KEY"], urllib.request.urlopen(request).read().decode()]
"""
FILE = f"""
from capsule import task
{CODE}
@task(name="main", allowed_hosts=["localhost"], timeout="60s")
def main(port: int): return use(port)
"""


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("CAPSULE_HOME", str(home))
    monkeypatch.delenv("KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "task.py").write_text(FILE)


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, toolchain_home: Path) -> Path:
    """A home of its own, but for the toolchain."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "toolchain").symlink_to(toolchain_home / "toolchain")
    return folder


@pytest.fixture
def server() -> Iterator[EchoServer]:
    made = EchoServer()
    yield made
    made.close()


@pytest.fixture
def command(tmp_path: Path, home: Path) -> Command:
    return Command(tmp_path, home)


def given(server: EchoServer, **more: object) -> dict[str, Any]:
    return {"KEY": {"value": VALUE, "hosts": [f"localhost:{server.port}"], **more}}


def check(result: Any, server: EchoServer, value: str = VALUE) -> str:
    """Look at what `use` gave: a placeholder, which was the value where it arrived."""
    placeholder, echoed = result
    assert PLACEHOLDER.fullmatch(placeholder)
    assert f"X-Key: {placeholder}\r\n" in echoed
    assert f"X-Key: {value}\r\n".encode() in server.all_seen
    server.seen.clear()
    found: str = placeholder
    return found


def test_programs(server: EchoServer) -> None:
    said = given(server)
    envelope = run_sync("task.py", [server.port], secrets=said)
    (asked,) = envelope["execution"]["host_requests"]
    assert ["X-Key", "[secret KEY]"] in asked["headers"]
    seen = [check(envelope.result, server)]
    with SandboxSync("task.py", warm=1, secrets=said) as box:
        seen += [check(box.run(server.port).result, server) for _ in range(2)]
        seen.append(check(box.call([server.port], limits={"max_ram": "1GB"}).result, server))
        seen += [check(each.result, server) for each in box.map([server.port])]
    assert len(set(seen)) == len(seen), "each run has a placeholder of its own"


def test_a_call_has_secrets_of_its_own(server: EchoServer) -> None:
    """In place of the sandbox's, or where it has none; the calls after it have them no more."""
    mine = given(server, value="the-key-of-another")
    with SandboxSync("task.py", warm=1, secrets=given(server)) as box:
        called = box.call([server.port], secrets=mine)
        check(called.result, server, "the-key-of-another")
        check(box.call([server.port]).result, server)
        check(box.run(server.port).result, server)
    Path("two.py").write_text(f"{FILE}\nTHERE = 'KEY' in os.environ\n".replace("use(port)\n", TWO))
    said = {"OTHER": {"value": "the-other-value", "hosts": ["localhost"]}}
    with SandboxSync("two.py", warm=1, secrets=said) as box:
        assert box.run(0).result == [False, True, False]
        for _ in range(2):
            done = box.call([server.port], secrets=mine, limits={"max_ram": "1GB"}).result
            assert done[:2] == [True, True]
            check(done[2], server, "the-key-of-another")
        assert box.run(0).result == [False, True, False]
        assert box.call([0], secrets=[]).result == [False, True, False]
        with pytest.raises(UsageError, match="secrets: KEY is not described by a mapping"):
            box.call([0], secrets={"KEY": VALUE})
    with SandboxSync("task.py", limits={"no_env": True}) as box:
        refused = box.call([server.port], secrets=mine)
        assert "KeyError: 'KEY'" in str(refused.error)


TWO = "[THERE, 'OTHER' in os.environ, port > 0 and use(port)]\n"


@pytest.mark.anyio
async def test_programs_that_await(server: EchoServer) -> None:
    said = given(server)
    check((await run("task.py", [server.port], secrets=said)).result, server)
    async with Sandbox("task.py", secrets=said) as box:
        check((await box.run(server.port)).result, server)
        other = given(server, value="the-key-of-another")
        check((await box.call([server.port], secrets=other)).result, server, "the-key-of-another")
        seen = [check(each.result, server) async for each in box.map([server.port])]
        assert len(seen) == 1
    async with Session(allowed_hosts=["localhost"], secrets=said, timeout="60s") as session:
        check((await session.run(f"{CODE}\nuse({server.port})")).result, server)


@pytest.mark.parametrize("said", ["KEY@HOST", "KEY=MINE@HOST", "KEY=DOTTED@HOST"])
def test_the_command(command: Command, server: EchoServer, said: str, tmp_path: Path) -> None:
    command.environ |= {"KEY": VALUE, "MINE": VALUE}
    (tmp_path / ".env").write_text(f"DOTTED={VALUE}\n")
    secret = ("--secret", said.replace("HOST", f"localhost:{server.port}"), "--json")
    port = str(server.port)
    task_runs = [
        ("run", "task.py", port),
        ("run", "-c", f"{CODE}\nuse({port})", "--allow-host", "localhost"),
        ("run", "-c", f"{CODE}\nuse({port})", "--allow-host", "localhost", "--state", "a.session"),
        ("run", "task.py", "--map", "items.jsonl"),
    ]
    (tmp_path / "items.jsonl").write_text(port)
    for words in task_runs:
        done = command(*words, *secret)
        assert done.code == 0, done
        answer = json.loads(done.out)
        check(answer.get("envelope", answer)["result"], server)
        assert VALUE not in done.out + done.err


def test_an_artifact(command: Command, server: EchoServer) -> None:
    command.environ["KEY"] = VALUE
    assert command("build", "--export", "task.py").code == 0
    secret = f"KEY@localhost:{server.port}"
    done = command("exec", "task.wasm", str(server.port), "--secret", secret, "--json")
    check(json.loads(done.out)["result"], server)


def test_a_prompt(command: Command, server: EchoServer) -> None:
    command.environ["KEY"] = VALUE
    words = ("--allow-host", "localhost", "--secret", f"KEY@localhost:{server.port}")
    line = f"__import__('urllib.request').request.urlopen('http://localhost:{server.port}/plain?k='"
    done = command("repl", *words, stdin=f"{line} + __import__('os').environ['KEY']).read()\n")
    assert PLACEHOLDER.search(done.out)
    assert VALUE not in done.out + done.err
    assert VALUE.encode() in server.all_seen


def test_it_grants_no_host(command: Command, server: EchoServer) -> None:
    command.environ["KEY"] = VALUE
    code = ("run", "-c", f"{CODE}\nuse({server.port})", "--json")
    done = command(*code, "--secret", f"KEY@localhost:{server.port}")
    assert "this task may not use the network: it has no allowed_hosts" in done.out
    done = command(*code, "--secret", f"KEY@localhost:{server.port}", "--allow-host", "example.com")
    assert f"localhost:{server.port} is not in allowed_hosts (allowed: example.com)" in done.out
    assert server.seen == []


def test_what_takes_things_away(command: Command, server: EchoServer) -> None:
    command.environ["KEY"] = VALUE
    secret = ("--secret", f"KEY@localhost:{server.port}", "--json")
    # A file that nobody has read gets no host, and the caller's secret is there all the same.
    done = command("run", "task.py", str(server.port), *secret, "--untrusted")
    assert "may not use the network: --untrusted takes its allowed_hosts" in done.out
    code = ("run", "-c", f"{CODE}\nuse({server.port})", "--allow-host", "localhost")
    check(json.loads(command(*code, *secret, "--untrusted").out)["result"], server)
    done = command(*code, *secret, "--no-env")
    assert json.loads(done.out)["error"]["message"].startswith("KeyError: 'KEY'")
    assert server.seen == []


def test_a_file_cannot_ask_for_the_value(command: Command) -> None:
    command.environ |= {"KEY": VALUE, "MINE": f"https://me:{VALUE}@example.com"}
    asks = "import os\nfrom capsule import task\n@task(env_variables=[{}])\n"
    body = "def main(): return [os.environ.get('KEY'), os.environ.get('MINE')]\n"
    command.write("asks.py", asks.format("'KEY'") + body)
    command.write("asks_else.py", asks.format("'MINE'") + body)
    done = command("run", "asks.py", "--secret", "KEY@example.com", "--result")
    assert PLACEHOLDER.fullmatch(json.loads(done.out)[0])
    done = command("run", "asks_else.py", "--secret", "KEY@example.com")
    assert done.code == 2
    assert "env_variables: 'MINE' would show the value of the secret KEY" in done.err
    assert VALUE not in done.err + done.out
    assert command("run", "asks_else.py", "--result").out.count(VALUE) == 1


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "secret KEY: the variable KEY is set neither here nor in .env of"),
        ("", "secret KEY has a value of 0 characters; allowed: 8 to 8,192"),
        ("seven77", "a value of 7 characters"),
        ("x" * 8193, "a value of 8,193 characters"),
        ("a line\r\nX-Other: 1", "a line break, a control character, or one outside of ASCII"),
        ("sk-live-12345\n", "begins or ends with a space or a line break"),
        ("sk-live-é-12345", "outside of ASCII"),
        (f"capsule-secret-{'0' * 32}", "looks like a placeholder"),
    ],
)
def test_values_that_cannot_be_kept(command: Command, value: str | None, problem: str) -> None:
    if value is not None:
        command.environ["KEY"] = value
    done = command("run", "task.py", "1", "--secret", "KEY@localhost")
    assert done.code == 2
    assert problem in done.err
    assert not value or value not in done.err


def test_a_value_that_was_typed_for_a_name_is_not_repeated(command: Command) -> None:
    for said in (f"KEY={VALUE}@localhost", f"KEY={VALUE}", VALUE, f"={VALUE}@x"):
        done = command("run", "task.py", "1", "--secret", said)
        assert done.code == 2, done
        assert VALUE not in done.err + done.out


def test_no_values_in_errors_of_programs(server: EchoServer) -> None:
    wrong: list[Any] = [
        {"KEY": VALUE},
        {"KEY": {"value": f"{VALUE}\n", "hosts": ["localhost"]}},
        {"KEY": {"value": VALUE, "host": ["localhost"]}},
        {"KEY": {"value": VALUE, "hosts": "localhost"}},
        {"KEY": {"value": VALUE, "hosts": []}},
        {"KEY": {"value": VALUE, "hosts": ["*"]}},
        {"KEY": {"value": VALUE, "hosts": ["*.com"]}},
        {"KEY": {"value": VALUE, "variable": "KEY", "hosts": ["localhost"]}},
        {"KEY": {"value": VALUE.encode(), "hosts": ["localhost"]}},
        {VALUE: {"value": VALUE, "hosts": ["localhost"]}},
        [f"KEY={VALUE}"],
        f"KEY={VALUE}@localhost",
        {f"KEY{n}": {"value": VALUE, "hosts": ["localhost"]} for n in range(33)},
    ]
    for said in wrong:
        with pytest.raises(UsageError) as caught:
            run_sync("task.py", [server.port], secrets=said)
        assert VALUE not in str(caught.value) + repr(caught.value.__cause__)
    assert VALUE not in repr(given(server)["KEY"]["hosts"])


def test_secrets_of_a_project(
    command: Command, server: EchoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They count around the caller, not around the file, wherever that lies."""
    mine, strange = tmp_path / "mine", tmp_path / "strange"
    below = mine / "below"
    for folder in (below, strange):
        folder.mkdir(parents=True)
    table = f'KEY = {{ variable = "MINE", hosts = ["localhost:{server.port}"] }}\n'
    (mine / "capsule.toml").write_text(f"[secrets]\n{table}UNSET = ['a.example.com']\n")
    (mine / ".env").write_text(f"MINE={VALUE}\n")
    for folder in (mine, below, strange):
        shutil.copy(tmp_path / "task.py", folder)
    for folder, file in ((mine, "task.py"), (below, "task.py"), (mine, "../strange/task.py")):
        command.folder = folder
        done = command("run", file, str(server.port), "--json")
        check(json.loads(done.out)["result"], server)
    monkeypatch.chdir(below)
    check(run_sync("task.py", [server.port]).result, server)
    with SessionSync(allowed_hosts=["localhost"], timeout="60s") as session:
        check(session.run(f"{CODE}\nuse({server.port})").result, server)
        assert session.run("os.environ.get('UNSET')").result is None
    # From elsewhere, a file with such a table beside it gets nothing by that.
    command.folder = tmp_path
    command.environ["MINE"] = VALUE
    done = command("run", "mine/task.py", str(server.port), "--json")
    assert json.loads(done.out)["error"]["message"].startswith("KeyError: 'KEY'")
    # What the caller says is in place of it.
    command.folder = mine
    done = command("run", "task.py", str(server.port), "--secret", "KEY=MINE@example.com", "--json")
    assert VALUE.encode() not in server.all_seen
    # And it names nearest things, and takes no values.
    for wrong, words in (
        (f"KEY = {{ value = '{VALUE}', hosts = ['localhost'] }}", "has its value in the file"),
        ("KEY = ['*']", "is every host"),
        ("KEY = 'localhost'", "has no list of hosts"),
        ("'A B' = ['localhost']", "is not that of a variable inside"),
        ("KEY = { variabel = 'X', hosts = ['localhost'] }", "try: variable"),
    ):
        (mine / "capsule.toml").write_text(f"[secrets]\n{wrong}\n")
        done = command("run", "task.py", "1")
        assert (done.code, words in done.err, VALUE in done.err) == (2, True, False), done


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ("env_variables = ['SAFE']", "'MINE' is above the ceiling"),
        ("allowed_hosts = ['api.example.com']", "is above the ceiling"),
    ],
)
def test_secrets_of_a_project_are_within_the_ceilings_around_it(
    command: Command, server: EchoServer, tmp_path: Path, limits: str, words: str
) -> None:
    """A folder of somebody else's, in which the caller stands, names no variable past a ceiling."""
    inner = tmp_path / "outer" / "vendor"
    inner.mkdir(parents=True)
    (tmp_path / "outer" / "capsule.toml").write_text(f"[limits]\n{limits}\n")
    table = f'KEY = {{ variable = "MINE", hosts = ["localhost:{server.port}"] }}\n'
    (inner / "capsule.toml").write_text(f"[secrets]\n{table}")
    (inner / "task.py").write_text("def main(): return 1\n")
    command.folder = inner
    command.environ["MINE"] = VALUE
    done = command("run", "task.py")
    assert (done.code, words in done.err, "[secrets]: KEY" in done.err) == (2, True, True), done
    assert VALUE not in done.err
    # The caller's own word is no part of that file.
    (inner / "capsule.toml").write_text("")
    assert command("run", "task.py", "--secret", "KEY=MINE@localhost").code == 0


def test_nothing_untrusted_has_the_secrets_of_a_project(
    command: Command, tmp_path: Path, server: EchoServer
) -> None:
    (tmp_path / "capsule.toml").write_text("[secrets]\nMINE = ['localhost']\n")
    (tmp_path / "show.py").write_text("import os\ndef main(): return 'MINE' in os.environ\n")
    command.environ["MINE"] = VALUE
    for words, expected in (((), "true"), (("--untrusted",), "false")):
        assert command("run", "show.py", "--result", *words).out.strip() == expected
    asked = ("--untrusted", "--secret", "MINE@localhost")
    assert command("run", "show.py", "--result", *asked).out.strip() == "true"


def test_no_snapshot_holds_a_placeholder(server: EchoServer) -> None:
    Path("top.py").write_text("import os\nKEY = os.environ.get('KEY')\ndef main(): return KEY\n")
    found = [run_sync("top.py", secrets=given(server)).result for _ in range(3)]
    assert len(set(found)) == 3
    assert run_sync("top.py").result is None


def test_tasks_that_are_called(server: EchoServer) -> None:
    """They see the placeholder of the run, and what they may reach is their own matter."""
    tasks = """
@task(allowed_hosts=["localhost"])
def below(port): return use(port)
@task
def nowhere(port): return use(port)
@task(name="main", allowed_hosts=["localhost"], timeout="60s")
def main(port): return [use(port), below(port).unwrap(), nowhere(port)]
"""
    Path("calls.py").write_text(f"from capsule import task\n{CODE}{tasks}")
    mine, below, nowhere = run_sync("calls.py", [server.port], secrets=given(server)).result
    assert check(mine, server) == below[0] == PLACEHOLDER.search(below[1])[0]  # type: ignore[index]
    assert "may not use the network" in nowhere["error"]["message"]


def test_sessions(server: EchoServer, tmp_path: Path, home: Path) -> None:
    said, use = given(server), f"use({server.port})"
    options: dict[str, Any] = {"allowed_hosts": ["localhost"], "timeout": "60s"}
    with SessionSync(secrets=said, **options) as session:
        first = session.run(f"{CODE}\nkept = os.environ['KEY']\n{use}")
        placeholder = check(first.result, server)
        assert check(session.run(use).result, server) == placeholder
        with session.fork(first.state) as fork:
            assert check(fork.run(use).result, server) == placeholder
        session.back(first.state)
        assert check(session.run(use).result, server) == placeholder
        session.run("1").kept()
        taken = session.run(use, limits={"no_env": True})
        assert "KeyError: 'KEY'" in str(taken.error)
        session.save("kept.session")
        left = files_with(VALUE.encode(), tmp_path, home)
    with SessionSync(secrets=said, **options) as another:
        assert check(another.run(f"{CODE}\n{use}").result, server) != placeholder
    assert left == []
    # Elsewhere: what lies in memory stands for the value of that day, where there is one.
    elsewhere = given(server, value="another-value")
    with SessionSync.load("kept.session", secrets=elsewhere, **options) as session:
        again = session.run(use + " + [kept]").result
        assert again.pop() == placeholder == check(again, server, "another-value")
    with SessionSync.load("kept.session", **options) as session:
        assert session.run("os.environ.get('KEY')").result is None
        session.run(f"os.environ['KEY'] = kept\n{use}")
        assert placeholder.encode() in server.all_seen
        assert b"another-value" not in server.all_seen


def test_a_state_of_a_strangers_brings_no_policy(server: EchoServer, tmp_path: Path) -> None:
    with SessionSync(secrets=given(server), timeout="60s") as session:
        session.run("1").kept()
        session.save("a.session")
    content = (tmp_path / "a.session").read_bytes()
    identity = re.search(rb'"identity": "([0-9a-f]{32})"', content)
    assert identity is not None
    for wrong in (b"x" * 32, b"A" * 32):
        (tmp_path / "b.session").write_bytes(content.replace(identity[1], wrong))
        with pytest.raises(CapsuleError, match="no identity"):
            SessionSync.load("b.session", timeout="60s")
    # One of an earlier version says nothing of it.
    length = int.from_bytes(content[16:20], "little")
    head = json.loads(content[20 : 20 + length])
    del head["identity"]
    text = json.dumps(head).encode()
    older = content[:16] + len(text).to_bytes(4, "little") + text + content[20 + length :]
    (tmp_path / "c.session").write_bytes(older)
    with SessionSync.load(
        "c.session", secrets=given(server), allowed_hosts=["localhost"], timeout="60s"
    ) as session:
        check(session.run(f"{CODE}\nuse({server.port})").result, server)


def test_a_worker(command: Command, server: EchoServer) -> None:
    said = given(server)
    with on_streams(command) as client:
        asked = {"file": "task.py", "args": [server.port], "secrets": said}
        seen = [
            check(client.ask({"id": number, **asked})["output"]["result"], server)
            for number in range(3)
        ]
        assert len(set(seen)) == 3
        other = {**asked, "secrets": given(server, value="another-value")}
        check(client.ask({"id": "other", **other})["output"]["result"], server, "another-value")
        name = client.open(allowed_hosts=["localhost"], secrets=said)
        check(client.result(name, f"{CODE}\nuse({server.port})"), server)
        for wrong in (VALUE, [VALUE], {"KEY": VALUE}, {"KEY": {"value": VALUE}}):
            answers = [
                client.ask({"id": "wrong", **asked, "secrets": wrong}),
                client.ask({"id": "wrong", "open": {"secrets": wrong}}),
            ]
            for answer in answers:
                assert answer["error"]["error_type"] == "usage_error"
                assert VALUE not in json.dumps(answer)
    with on_streams(command, "--no-env") as client:
        answer = client.ask({"id": 1, **asked})
        assert answer["output"]["error"]["message"].startswith("KeyError: 'KEY'")


def test_no_command_line_has_it(command: Command, server: EchoServer) -> None:
    command.environ["KEY"] = VALUE
    code = f"import os, urllib.request as u\nu.urlopen('http://localhost:{server.port}/hold?k=' + os.environ['KEY']).status"
    words = ("run", "-c", code, "--allow-host", "localhost")
    with command.popen(*words, "--secret", f"KEY@localhost:{server.port}") as process:
        assert server.held.wait(60)
        children = psutil.Process(process.pid).children(recursive=True)
        sandboxes = [child for child in children if "wasmtime" in child.name()]
        assert sandboxes
        for sandbox in sandboxes:
            for name in ("cmdline", "environ"):
                assert VALUE.encode() not in Path(f"/proc/{sandbox.pid}/{name}").read_bytes()
        server.released.set()
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_nothing_that_a_run_leaves_has_it(
    command: Command, server: EchoServer, tmp_path: Path, home: Path
) -> None:
    command.environ |= {"KEY": VALUE, "TMPDIR": str(tmp_path / "temporary")}
    (tmp_path / "temporary").mkdir()
    port, secret = str(server.port), ("--secret", f"KEY@localhost:{server.port}")
    code = f"{CODE}\nprint(use({port}))\nraise ValueError(use({port}))"
    said = [
        command("run", "task.py", port, "--verbose", *secret),
        command("run", "task.py", port, "--map", "-", *secret, stdin=port),
        command("run", "-c", code, "--allow-host", "localhost", "-v", *secret),
        command("run", "-c", CODE, "--allow-host", "localhost", "--state", "s.session", *secret),
        command(
            "run",
            "-c",
            f"use({port})",
            "--allow-host",
            "localhost",
            "--state",
            "s.session",
            *secret,
        ),
        command("inspect", "task.py", *secret),
        command("trace"),
        command("trace", "--json"),
        command("ps", "--json"),
    ]
    runs = json.loads(said[-2].out)
    said += [command("trace", run["run"], "--html", "run.html") for run in runs[:1]]
    assert VALUE.encode() in server.all_seen
    assert all(VALUE not in each.out + each.err for each in said)
    assert any(PLACEHOLDER.search(each.out) for each in said)
    assert files_with(VALUE.encode(), tmp_path, home) == []
    # The search would find it.
    (tmp_path / "found").write_text(VALUE)
    assert files_with(VALUE.encode(), tmp_path, home) == [tmp_path / "found"]


def test_nobody_logs_it(server: EchoServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = CODE.replace("/all", "/header")
    more = body.replace("/header", "/bad-chunk").replace("use", "more")
    Path("logs.py").write_text(
        f"from capsule import task\n{body}\n{more}\n"
        "@task(allowed_hosts=['localhost'])\ndef main(port):\n"
        "    try: return [use(port), more(port)]\n    except OSError as error: return str(error)\n"
    )
    run_sync("logs.py", [server.port], secrets=given(server))
    assert VALUE.encode() in server.all_seen
    assert VALUE not in caplog.text
    # Without secrets, whoever looks at what httpcore does still sees it.
    run_sync("logs.py", [server.port])


def test_over_tls(server: EchoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect from there to plain HTTP, and to another port, leaves the value behind."""
    certificate, context = authority(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    secure = EchoServer(context)
    Path("tls.py").write_text(
        "import os, urllib.request as u\nfrom capsule import task\n"
        "@task(allowed_hosts=['localhost'], timeout='60s')\n"
        "def main(urls):\n"
        "    headers = {'X-Key': os.environ['KEY']}\n"
        "    return [u.urlopen(u.Request(url, headers=headers)).read().decode() for url in urls]\n"
    )
    url = f"https://localhost:{secure.port}"
    urls = [f"{url}/all", f"{url}/to/http://localhost:{server.port}/all"]
    secrets = {"KEY": {"value": VALUE, "hosts": [f"localhost:{secure.port}"]}}
    try:
        result = run_sync("tls.py", [urls], secrets=secrets).unwrap()
    finally:
        secure.close()
    assert secure.all_seen.count(f"X-Key: {VALUE}\r\n".encode()) == 2
    assert VALUE.encode() not in server.all_seen
    assert PLACEHOLDER.search(server.all_seen.decode())
    assert all(PLACEHOLDER.search(each) and VALUE not in each for each in result)


def test_several_secrets(server: EchoServer) -> None:
    """One value begins with another, and each host has its own."""
    second = EchoServer()
    Path("two.py").write_text(
        "import os, urllib.request as u\nfrom capsule import task\n"
        "@task(allowed_hosts=['localhost'])\n"
        "def main(ports):\n"
        "    keys = os.environ['SHORT'], os.environ['LONG']\n"
        "    url = 'http://localhost:{}/all?' + 'a={}&b={}'.format(*keys)\n"
        "    return [*keys, *(u.urlopen(url.format(port)).read().decode() for port in ports)]\n"
    )
    both = {
        "SHORT": {"value": VALUE, "hosts": [f"localhost:{server.port}"]},
        "LONG": {
            "value": f"{VALUE}-and-more",
            "hosts": [f"localhost:{each.port}" for each in (server, second)],
        },
    }
    try:
        short, long, first, other = run_sync(
            "two.py", [[server.port, second.port]], secrets=both
        ).result
    finally:
        second.close()
    assert f"a={VALUE}&b={VALUE}-and-more ".encode() in server.all_seen
    assert f"a={short}&b={VALUE}-and-more ".encode() in second.all_seen
    assert f"a={short}&b={long} " in first
    assert f"a={short}&b={long} " in other


def files_with(text: bytes, *folders: Path) -> list[Path]:
    """The files below some folders that have a text, the toolchain's aside."""
    every = (path for folder in folders for path in folder.rglob("*"))
    files = (path for path in every if path.is_file() and "toolchain" not in path.parts)
    return [path for path in files if text in path.read_bytes()]


def test_a_variable_that_shows_it_is_refused_in_programs_too(
    server: EchoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOWS", f"x{VALUE}x")
    with pytest.raises(PolicyError, match="'SHOWS' would show the value of the secret KEY"):
        SessionSync(env_variables=["SHOWS"], secrets=given(server)).__enter__()


def test_a_project_whose_value_is_too_short(command: Command, tmp_path: Path) -> None:
    (tmp_path / "capsule.toml").write_text("[secrets]\nKEY = ['localhost']\n")
    command.environ["KEY"] = "short"
    done = command("run", "task.py", "1", "--json")
    assert json.loads(done.out)["error"]["error_type"] == ConfigError.code
    assert subprocess.list2cmdline([done.out]).count("short") == 0
