"""What runs inside the sandbox, beside the code that nobody trusts.

Nothing here is a wall: the task's code shares this interpreter and can change any of it. What must
hold, holds on the host's side. This code is here to be friendly.
"""
