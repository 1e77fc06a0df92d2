"""What the host and the guest must agree on: standard library only, both sides import it."""
