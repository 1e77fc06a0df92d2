"""Packages that a task depends on: what the interpreter brings, and what is fetched for it.

`resolve` turns the dependencies of a task file into a folder to import from, `included` tells what
needs no fetching. Importing this package imports neither.
"""
