"""capsule from Python: one run, or a sandbox whose processes are started ahead."""
