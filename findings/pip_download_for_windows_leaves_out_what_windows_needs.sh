#!/bin/sh
# One would expect `pip download --platform win_amd64` to bring what a package needs on Windows. The
# option chooses files of wheels alone: whether a dependency is needed, which its marker says, is
# judged by the machine on which pip runs. `colorama; platform_system == "Windows"` is not fetched on
# Linux, and nothing is said; without the network, an installation from that folder then fails on
# Windows, or the program fails at its import. The same holds of `pip install --target --platform`.
# It mattered for a Windows Python that was equipped on Linux: such packages have to be named.
#
# Seen on Linux x86_64, Python 3.11, with pip 26.3:
#   click 8.1.8 for win_amd64: click-8.1.8-py3-none-any.whl
#   without colorama, which its metadata wants there: colorama; platform_system == 'Windows'
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip="$folder/venv/bin/pip"
"$pip" install -q "pip==26.3"
"$pip" --version | cut -d " " -f 1-2
"$pip" download -q --platform win_amd64 --python-version 3.13 --only-binary=:all: \
    -d "$folder/wheels" "click==8.1.8"
echo "click 8.1.8 for win_amd64: $(ls "$folder/wheels" | tr '\n' ' ')"
"$folder/venv/bin/python" -m zipfile -e "$folder/wheels/click-8.1.8-py3-none-any.whl" "$folder"
wanted=$(sed -n 's/^Requires-Dist: colorama/colorama/p' "$folder/click-8.1.8.dist-info/METADATA")
if [ -n "$wanted" ] && ! ls "$folder/wheels" | grep -q colorama; then
    echo "without colorama, which its metadata wants there: $wanted"
    exit 0
fi
exit 1
