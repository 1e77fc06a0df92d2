#!/usr/bin/env bash
# One would expect that the script which pip writes for a command imports the command's module and nothing
# else. Those of pip up to 25.0 begin with `import re`, for one substitution in the name of the command, and that
# is 18 modules of Python's library more, before any code of the command: some 5 ms of a start that else
# takes 14. A newer pip writes one without. Which one a user has is that of the pip that installed the
# package, and stays so until it is installed again: with the pip that comes with Python 3.11, it is the slow one.
# It mattered where a command that answers in 19 ms took 26, and nothing in the command could change that.
# Seen on Linux x86_64, Python 3.11.7: pip 23.2.1, 24.3.1 and 25.0 write `import re`, 25.3 does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"
python="$folder/v/bin/python"
modules() { # how many modules the script has imported when the command's own come
    "$python" - "$folder/v/bin/wheel" <<'P'
import subprocess, sys
said = subprocess.run([sys.executable, "-X", "importtime", sys.argv[1], "version"], capture_output=True, text=True)
names = [line.rpartition("|")[2].strip() for line in said.stderr.splitlines() if line.startswith("import time:")]
print(names.index("wheel") - names.index("site"))
P
}
declare -A found
for version in 25.0 25.3; do
    "$python" -m pip install -q "pip==$version"
    "$python" -m pip install -q --force-reinstall --no-deps wheel==0.45.1
    found[$version]="$(grep -c '^import re$' "$folder/v/bin/wheel" || true) $(modules)"
    echo "pip $version: lines 'import re' and modules ahead of the command's: ${found[$version]}"
done
read -r has_re before <<< "${found[25.0]}"
read -r none after <<< "${found[25.3]}"
[ "$has_re" = 1 ] && [ "$none" = 0 ] && [ "$before" -gt $((after + 8)) ]
