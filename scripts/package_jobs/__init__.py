"""Jobs for packages of an index: `python -m scripts.package_jobs` does them and prints a table."""
