"""The record of runs: what was started, how it ended and what it used, in one SQLite file."""
