"""The state of one command: its context, signals, record and exit code."""
