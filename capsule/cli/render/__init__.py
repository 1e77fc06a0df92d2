"""What the record of runs looks like as text and as a page: rows in, text out."""
