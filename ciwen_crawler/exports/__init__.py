"""Exports: an archive in the forms that other programs read, made of what is durable in it, a run or not."""
