#!/bin/sh
# One would expect a server that agrees on revision 2024-11-05 of the Model Context Protocol to
# answer in it: the package mcp holds each answer to the surface of its revision. For all revisions
# with a handshake that is the surface of 2025-11-25, so that a client of 2024-11-05 gets
# `outputSchema`, `structuredContent`, and blocks of type `resource_link`, which its revision does
# not have. A client that is strict about types of blocks refuses the whole answer. It mattered for
# a tool whose answers have links: the server has to leave them out itself.
#
# Seen on Linux x86_64, Python 3.11, with mcp 2.3.0:
#   agreed on 2024-11-05, sent a block of type resource_link (2025-06-18)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "mcp==2.3.0"
cat > "$folder/server.py" <<'PROGRAM'
import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import CallToolResult, ListToolsResult, ResourceLink, Tool


async def list_tools(context, params):
    return ListToolsResult(tools=[Tool(name="link", input_schema={"type": "object"})])


async def call_tool(context, params):
    return CallToolResult(content=[ResourceLink(name="a", uri="example://a")])


async def main():
    server = Server("example", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as streams:
        await server.run(*streams, server.create_initialization_options())


anyio.run(main)
PROGRAM
cat > "$folder/client.py" <<'PROGRAM'
import json
import subprocess
import sys

process = subprocess.Popen(
    [sys.executable, sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
)


def ask(method, **params):
    line = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    print(json.dumps(line), file=process.stdin, flush=True)
    return json.loads(process.stdout.readline())["result"]


client = {"name": "example", "version": "1"}
begun = ask("initialize", protocolVersion="2024-11-05", capabilities={}, clientInfo=client)
print('{"jsonrpc": "2.0", "method": "notifications/initialized"}', file=process.stdin, flush=True)
kind = ask("tools/call", name="link", arguments={})["content"][0]["type"]
process.stdin.close()
process.wait()
print(f"agreed on {begun['protocolVersion']}, sent a block of type {kind}")
sys.exit(0 if (begun["protocolVersion"], kind) == ("2024-11-05", "resource_link") else 1)
PROGRAM
"$folder/venv/bin/python" "$folder/client.py" "$folder/server.py"
