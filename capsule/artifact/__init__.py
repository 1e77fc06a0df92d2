"""Exported tasks as files: writing them, and reading those that nobody vouches for."""
