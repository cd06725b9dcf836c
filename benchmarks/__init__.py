"""Slow proofs: speed and quality figures, each with the command that repeats it."""
