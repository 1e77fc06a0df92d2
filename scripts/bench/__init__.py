"""Measurements, as ratios within one run: `nox -s bench` prints the table."""
