"""The product and its tests on Windows: the real Windows Python and wasmtime.exe, under wine."""
