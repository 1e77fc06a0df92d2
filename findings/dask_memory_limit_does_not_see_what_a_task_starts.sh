#!/bin/sh
# A Dask worker has a --memory-limit, at 95 % of which its nanny ends and restarts it. One would expect that to
# bound what a task makes a machine use. It is the memory of the worker's own process that is looked at: programs
# that a task starts, and waits for, are not counted, however much they have.
# So in 2026.8.0. It mattered for sizing nodes whose tasks are processes of their own.
#
# Seen on Linux x86_64, Python 3.11:
#   distributed 2026.8.0: limit 400 MiB, a program of the task had 800 MiB for 5 s, the worker went on
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q distributed==2026.8.0
cat > "$folder/probe.py" << 'PROGRAM'
import os, subprocess, sys

from distributed import Client, LocalCluster, __version__

LIMIT, HELD, SECONDS = 400, 800, 5
PROGRAM = f"import time; held = b'x' * ({HELD} << 20); print(len(held)); time.sleep({SECONDS})"


def start():
    """Wait for a program that has twice as much as this worker may."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    return int(done.stdout) >> 20, os.getpid()


if __name__ == "__main__":
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**options, memory_limit=f"{LIMIT}MiB", silence_logs=50) as cluster:
        with Client(cluster) as client:
            before = client.submit(os.getpid, pure=False).result(timeout=60)
            held, worker = client.submit(start, pure=False).result(timeout=60)
            after = client.submit(os.getpid, pure=False).result(timeout=60)
    same = before == worker == after
    print(
        f"distributed {__version__}: limit {LIMIT} MiB, a program of the task had {held} MiB for"
        f" {SECONDS} s, the worker {'went on' if same else 'was restarted'}"
    )
    sys.exit(0 if same and held == HELD else 1)
PROGRAM
"$folder/venv/bin/python" "$folder/probe.py"
