"""A server of the Model Context Protocol: `capsule mcp`, behind the extra `mcp`."""
