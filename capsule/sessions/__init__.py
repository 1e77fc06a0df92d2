"""Sessions: code that goes on where it ended, each turn in a process of its own."""
