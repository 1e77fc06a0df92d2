"""The toolchain store: pinned parts, fetched by the user's own pip, checked, compiled, kept.

`store` opens a toolchain, `manage` installs, lists, verifies and removes, `archive` moves one
through a file, `compile` compiles small modules with it. Importing this package imports none of
them.
"""
