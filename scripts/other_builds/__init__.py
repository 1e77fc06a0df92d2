"""The pinned program's builds for other machines, run on this one: aarch64 by qemu, musl."""
