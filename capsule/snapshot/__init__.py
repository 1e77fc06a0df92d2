"""The driver of a run: restoring memory, one turn of Python, the closing frame, the fuel meter."""
