"""Ciwen (瓷闻): archives a news channel exactly, reads it exactly, keeps it provably."""

__version__ = "0.1.0"
