"""The Python inside the sandbox, as package metadata describes one."""

from __future__ import annotations

# The version that `requires-python` and wheels are held against.
PYTHON = "3.15.0"
# The same as pip wants it.
PYTHON_SERIES = "3.15"

# What the interpreter says of itself, under the names of the environment markers.
ENVIRONMENT = {
    "implementation_name": "cpython",
    "implementation_version": PYTHON,
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_release": "0.0.0",
    "platform_system": "wasi",
    "platform_version": "0.0.0",
    "python_full_version": PYTHON,
    "python_version": PYTHON_SERIES,
    "sys_platform": "wasi",
}
