#!/bin/sh
# "pyperf command" tells how much memory a program had at most (command_max_rss). One would expect the program's.
# The kernel keeps that figure for a process and not for the program in it: what was there before exec counts, and
# that is the Python which started the program, as its memory is the child's until then (vfork). So no program is
# said to have less than that Python, and getrusage in a small program that a large one has started tells the
# large one's size. VmHWM of /proc/PID/status begins anew with each program.
# So in pyperf 2.11.0. It mattered in a benchmark: 152 MB of a program that had 64.
#
# Seen on Linux 6.18 x86_64, Python 3.11:
#   pyperf 2.11.0: cat had 1.7 MB by VmHWM, and 12.1 MB by command_max_rss
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pyperf==2.11.0
"$folder/venv/bin/python" -m pyperf command --quiet -p 1 -n 1 -w 0 -l 1 -o "$folder/seen.json" -- cat /proc/self/status > /dev/null
cat > "$folder/probe.py" << 'PROGRAM'
import json, subprocess, sys

from pyperf import __version__

status = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=True).stdout
had = int(status.partition("VmHWM:")[2].split()[0]) << 10
with open(sys.argv[1]) as file:
    said = json.load(file)["metadata"]["command_max_rss"]
print(
    f"pyperf {__version__}: cat had {had / 2**20:.1f} MB by VmHWM, and {said / 2**20:.1f} MB by"
    " command_max_rss"
)
sys.exit(0 if said > 2 * had else 1)
PROGRAM
"$folder/venv/bin/python" "$folder/probe.py" "$folder/seen.json"
