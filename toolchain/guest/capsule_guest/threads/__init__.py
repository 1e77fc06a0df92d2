"""Threads of one interpreter that has none: strands, which take turns where one of them waits.

The main program is a strand, and so is each `threading.Thread` that was started. One runs at a
time, until it waits: for a lock, a queue, a time, an answer of the host. Then another goes on.

A strand other than the main one is a generator, so that it can stop at a wait and leave the stack.
Its functions are compiled again for that, from their source: see `step_functions`. What has no
source here, as the functions of libraries, runs as a call; while it waits, others run on top of it.
"""
