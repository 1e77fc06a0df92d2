"""The command line: a file for each command, and one place that prints."""
