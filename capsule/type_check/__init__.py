"""Type errors of code, as text, before it runs."""
