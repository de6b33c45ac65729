"""The database: a view that follows from the WARC files, row for row."""
