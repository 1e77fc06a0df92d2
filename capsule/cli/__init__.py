"""The command line: a file for each command, and one place that prints."""

# Set: a defect of capsule shows its traceback, and profilers see the end of the program.
DEBUG = "CAPSULE_DEBUG"
