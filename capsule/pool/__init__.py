"""Processes started ahead, and how many sandboxes of this program may run at once."""
