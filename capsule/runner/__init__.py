"""From a task and its arguments to an envelope: attempts, retries, and how each one ended."""
