"""Suites of others, run inside the sandbox; what fails is explained in explained.toml."""
