"""Proves an archive: every record by its digests, every file by what others say of it, every row by its record."""
