"""One sandbox process: its command line, its start and end, its pipes."""
