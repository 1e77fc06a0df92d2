#!/bin/sh
# Who submits a task to Dask with retries=0 expects that it runs once at most, as `retries` is "the number of
# allowed automatic retries if a task fails". That counts exceptions alone: where the process of a worker dies,
# its tasks are given to another, up to distributed.scheduler.allowed-failures (3) times. What a task has done
# outside until then is done again, and nothing in the call says no to that.
# So in 2026.8.0. It mattered for batches that must not run an item twice.
#
# Seen on Linux x86_64, Python 3.11:
#   distributed 2026.8.0: submitted with retries=0, begun 2 times
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q distributed==2026.8.0
cat > "$folder/probe.py" << 'PROGRAM'
import os, pathlib, signal, sys, time

from distributed import Client, LocalCluster, __version__


def note(folder):
    """Leave a mark, then wait: the first time for the end of this process."""
    marks = pathlib.Path(folder)
    (marks / f"begun-{os.getpid()}").touch()
    deadline = time.monotonic() + 30
    while len(list(marks.glob("begun-*"))) == 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    return len(list(marks.glob("begun-*")))


if __name__ == "__main__":
    marks = pathlib.Path(sys.argv[1])
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**options, silence_logs=50) as cluster, Client(cluster) as client:
        future = client.submit(note, str(marks), retries=0, pure=False)
        while not (begun := list(marks.glob("begun-*"))):
            time.sleep(0.05)
        os.kill(int(begun[0].name.partition("-")[2]), signal.SIGKILL)
        times = future.result(timeout=60)
    print(f"distributed {__version__}: submitted with retries=0, begun {times} times")
    sys.exit(0 if times == 2 else 1)
PROGRAM
mkdir "$folder/marks"
"$folder/venv/bin/python" "$folder/probe.py" "$folder/marks"
