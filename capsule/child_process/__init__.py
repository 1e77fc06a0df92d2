"""Starting other programs, which inherit nothing and end with this one."""
