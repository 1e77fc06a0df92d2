"""The parity suite: small programs run in a sandbox and outside, and their answers compared."""
