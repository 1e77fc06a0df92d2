"""What is written while something runs."""
