#!/bin/sh
# One would expect a library for command lines to stay in pure Python from one minor release to the
# next. typer 0.28.0 brings no compiled file; since 0.29 it depends on pydantic, and so on
# pydantic-core, which is compiled from Rust: where no wheel fits, pip wants a Rust compiler. It
# mattered for a tool that has to install where there is none.
#
# Seen on Linux x86_64, Python 3.11:
#   typer 0.28.0: no compiled file
#   typer 0.29.2: pydantic_core
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"

compiled_of() {
    "$folder/venv/bin/pip" install -q --target "$folder/$1" "typer==$1"
    find "$folder/$1" -name '*.so' -o -name '*.pyd' | sed "s|$folder/$1/||; s|/.*||" | sort -u | tr '\n' ' '
}

before=$(compiled_of 0.28.0)
after=$(compiled_of 0.29.2)
echo "typer 0.28.0: ${before:-no compiled file}"
echo "typer 0.29.2: ${after:-no compiled file}"
[ -z "$before" ] || exit 1
case $after in
    *pydantic_core*) exit 0 ;;
    *) exit 1 ;;
esac
