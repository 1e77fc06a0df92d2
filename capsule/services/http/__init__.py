"""The host's side of HTTP for sandboxes; imported only when a task has hosts."""
