#!/bin/sh
# One would expect `stdio_server` of the package mcp to end when its scope is cancelled, as at a
# timeout or when a handler of SIGTERM cancels it. It ends with the next line on stdin, or with its
# end: the line is read in a thread that anyio waits for, and nothing wakes it. While the client
# keeps stdin open, the program hangs. It mattered for a server that has to end at SIGTERM: it needs
# a reader of its own, in a thread that it can leave behind.
#
# Seen on Linux x86_64, Python 3.11, with mcp 2.3.0:
#   cancelled after 1 s, ended when stdin did, after 4 s
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "mcp==2.3.0"
cat > "$folder/server.py" <<'PROGRAM'
import sys
import time

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server


async def main():
    server = Server("example")
    with anyio.move_on_after(1) as scope:
        async with stdio_server() as (incoming, outgoing):
            begin.append(time.monotonic())
            await server.run(incoming, outgoing, server.create_initialization_options())
    return scope.cancelled_caught


begin = []
cancelled = anyio.run(main)
took = time.monotonic() - begin[0]
print(f"cancelled after 1 s, ended after {took:.0f} s", file=sys.stderr)
sys.exit(0 if cancelled and took > 2 else 1)
PROGRAM
# Stdin stays open, and nothing comes.
sleep 6 | "$folder/venv/bin/python" "$folder/server.py"
