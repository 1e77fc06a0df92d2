"""What docs/cli.md says beside what the commands say of themselves."""

from __future__ import annotations

INTRO = """\
# The command line

Every command, with its arguments and options, then what all of them share. `capsule COMMAND
--help` says the same of one command; [run.md](run.md) and the other pages tell the rest.

    capsule COMMAND [OPTIONS] [ARGUMENTS]

An option takes its value as `--timeout 5s` or `--timeout=5s`. Options may stand before and behind
arguments; what comes behind `--` is no option. stdout carries what a command answers, as text or,
with `--json`, as one document of JSON. Everything else goes to stderr: progress, notes, what a
task prints, errors.

The examples below run as they stand, in a folder with these files:

```python
# hello.py
def main(n: int = 3) -> str:
    return "hello " * n
```

```python
# job.py
from capsule import task


@task(name="main", compute="LOW", ram="64MB", timeout="5s")
def main(n: float) -> float:
    return 10 / n
```

```sh
echo '{"n": 5}' > args.json
printf '%s\\n' 2 4 > items.jsonl
```
"""

# What some examples print.
OUTPUTS = {
    "capsule run hello.py 3": '{"success": true, "result": "hello hello hello ", ...}',
    "echo 'def main(): return 2 ** 100' | capsule run - --result": (
        "1267650600228229401496703205376"
    ),
    "capsule doctor": """\
ok   version      capsule ..., Python ...
ok   state        ...
ok   run          a task answered in ... ms""",
    """echo '{"id": 1, "file": "hello.py", "args": [3]}' | capsule worker""": (
        '{"id": 1, "output": {"success": true, "result": "hello hello hello ", ...}}'
    ),
    "capsule inspect job.py": """\
file             job.py
...
task main, line 6, the one that runs
  compute        LOW  (the task)
...""",
    "capsule ps --json": "[]",
    "capsule trace latest --html run.html": "run.html",
    "capsule cache prune": "deleted ...",
}

_RUN = {
    0: "the task returned",
    1: "it failed: it raised, spent what it may use, or its sandbox died",
    124: "it took longer than its timeout",
}
# By command; all of them have those of `SHARED_CODES` besides.
EXIT_CODES = {
    "capsule run": _RUN | {1: f"{_RUN[1]}; with `--map`, one of the runs failed"},
    "capsule exec": _RUN | {1: f"{_RUN[1]}; with `--map`, one of the runs failed"},
    "capsule inspect": {0: "it could run", 2: "it would be refused, or is not what it has to be"},
    "capsule doctor": {0: "tasks can run here", 3: "something failed that they need"},
    "capsule ps": {0: "also when nothing runs, and when Ctrl-C ends `--watch`"},
    "capsule trace": {0: "also when no run is as asked for"},
    "capsule worker": {0: "stdin ended, or a signal ended one that listens"},
    "capsule toolchain verify": {0: "every file is whole", 3: "a file is missing or damaged"},
}
SHARED_CODES = {
    0: "it is done",
    2: "the line, a file, capsule.toml or a policy is not what it has to be, or the system said no",
    3: "the toolchain is missing and cannot be had, or is damaged",
    70: "a defect of capsule",
    130: "interrupted, by Ctrl-C, SIGTERM or SIGHUP",
}

ERRORS = """\
## Errors

An error is one message on stderr, with the next thing to try. With `--json` it is a document on
stdout: of `run` and `exec` an envelope, of all others

    {"error": {"error_type": "usage_error", "message": "..."}}

`error_type` is `usage_error`, `config_error`, `policy_error`, `toolchain_error`, `artifact_error`
or, for what the system refuses, `capsule_error`. `toolchain verify` and `doctor` answer with
their findings in any case; the exit code says whether all is well.

```sh
capsule run helo.py 2> said || cat said
capsule trace --limit none --json || echo "exit code $?"
```

```text
capsule: the task file 'helo.py' does not exist
  try: capsule run hello.py
{"error": {"error_type": "usage_error", "message": "--limit 'none': a whole number is needed, ..."}}
exit code 2
```
"""

ENVIRONMENT = {
    "CAPSULE_HOME": "the folder with all of capsule's state; else `capsule` in your data folder",
    "CAPSULE_RECORD": "`0` records no runs",
    "CAPSULE_SOCKET": (
        "where a worker listens and `run` and `exec` look for one; else `worker.sock` in the state"
    ),
    "CAPSULE_WASMTIME": (
        "another wasmtime binary, 48 or newer and not known to be unsafe, in place of the pinned"
        " one and of what `toolchain install --wasmtime` installed"
    ),
    "CAPSULE_MAX_RUNNING": (
        "how many sandboxes one program runs at once; else 8 for each processor, 16 at least"
    ),
    "CAPSULE_DEBUG": "set to anything, a defect of capsule shows its traceback",
    "HOME": "where your data folder is, for the state, and the folder that `~` stands for",
    "XDG_DATA_HOME": "your data folder, on Linux; else `~/.local/share`",
    "XDG_CONFIG_HOME": "where pip and uv have their settings",
    "PATH": "where pip and uv are looked for, in absolute folders alone",
    "TERM": "`dumb` for a terminal that cannot be drawn on: progress and `--verbose` are lines",
    "PIP_...": "settings of pip: index, mirror, certificates",
    "UV_...": "settings of uv, where it stands in for pip",
    "NETRC": "credentials that pip and uv read",
    "TMPDIR": "where each run's `/tmp` and other temporary files are; on Windows `TEMP` or `TMP`",
    "LD_LIBRARY_PATH": "handed on to the process that reads costly sources, as `DYLD_LIBRARY_PATH`",
    "HTTP_PROXY": "the proxy of tasks' requests, as `http_proxy`, `HTTPS_PROXY`, `ALL_PROXY`",
    "NO_PROXY": "hosts that are reached without a proxy",
    "REQUEST_METHOD": "set by CGI, where `HTTP_PROXY` is a stranger's header and not read",
    "SSL_CERT_FILE": (
        "certificates to trust in requests of tasks; so do `SSL_CERT_DIR`, `REQUESTS_CA_BUNDLE` and"
        " `CURL_CA_BUNDLE`"
    ),
}
ENVIRONMENT_TEXT = """\
A variable that is empty is like one that is not set. A task sees none of these: only those that
its `env_variables` name. A command is handed over to a worker only where those that decide are
the same for both: see [worker.md](worker.md).
"""

FILES = {
    "capsule.toml": "settings and ceilings of a project, in its folder: see [run.md](run.md)",
    ".env": "variables that the environment lacks, for `env_variables` and secrets, in the"
    " project's folder",
    "HOME/toolchain/": "the pinned parts, as downloaded and as prepared",
    "HOME/cache/": "snapshots, plans and packages; 30 days, 2 GB and 500 entries are kept",
    "HOME/lifecycle/runs.db": "the record of runs, in SQLite: see [lifecycle.md](lifecycle.md)",
    "HOME/lifecycle/spool/": "what short commands have left for it",
    "HOME/worker.sock": "the socket of a worker that listens, with a lock beside it",
}
FILES_TEXT = """\
`HOME` here is the folder that `CAPSULE_HOME` names, else `capsule` in your data folder:
`~/.local/share/capsule` on Linux, `~/Library/Application Support/capsule` on macOS. `capsule
doctor` says which it is. Only you can read it, and deleting it removes all state.
"""

SEE_ALSO = """\
## See also

[run.md](run.md) for running tasks, [permissions.md](permissions.md) for what a task may reach,
[toolchain.md](toolchain.md), [lifecycle.md](lifecycle.md) for `ps` and `trace`,
[worker.md](worker.md), [artifacts.md](artifacts.md) for `build --export` and `exec`,
[python.md](python.md) for the same from a program.
"""
