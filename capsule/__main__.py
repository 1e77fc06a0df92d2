"""`python -m capsule`: the same as the command `capsule`."""

import sys

# Python looks for modules in the working folder first when it is started in this way, and that
# folder may be a stranger's. capsule itself is found: its package is loaded already.
if not sys.flags.safe_path:
    del sys.path[0]

from capsule.cli.main import main

if __name__ == "__main__":
    main()
