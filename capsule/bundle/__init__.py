"""What of a task travels into its sandbox: its source and the modules beside it that it imports.

`collect` gathers a `Bundle`; `contents` says what one is.
"""
