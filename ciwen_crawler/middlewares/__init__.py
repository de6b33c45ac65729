"""Downloader middlewares: the channel's bounds, private names, robots.txt, conditional requests, the gate."""
