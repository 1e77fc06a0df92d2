"""The listening side of `capsule worker`: lines of JSON, and commands that are handed over."""
