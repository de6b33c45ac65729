"""Measurements against peers, run by hand; README.md has the figures and says how to repeat them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = Path(__file__).resolve().parent / "work"  # everything that a measurement writes; ignored by git
