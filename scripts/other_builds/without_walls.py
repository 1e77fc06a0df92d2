"""Run by `python -m`: capsule's command without Landlock and seccomp.

They are made for wasmtime, and it is qemu that would stand behind them: it opens files of its own,
and makes other system calls.
"""

from __future__ import annotations

import runpy

from capsule.confine import isolation_layers


def _none() -> isolation_layers.IsolationLayers:
    return isolation_layers.IsolationLayers(0)


isolation_layers.standing = _none
runpy.run_module("capsule", run_name="__main__")
