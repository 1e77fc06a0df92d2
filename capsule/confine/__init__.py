"""The second wall: what the operating system refuses to a sandbox process, whatever it became."""
