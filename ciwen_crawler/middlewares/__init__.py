"""Downloader middlewares: the bounds of the channel, robots.txt, conditional requests."""
