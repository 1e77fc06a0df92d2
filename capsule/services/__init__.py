"""What the host does for a sandbox that runs: requests to other hosts."""
