"""`python -m capsule`: the same as the command `capsule`."""

from capsule.cli.main import main

if __name__ == "__main__":
    main()
