"""Words of a command line, made into values."""
