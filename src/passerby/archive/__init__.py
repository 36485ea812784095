"""Recordings and their catalogue: what is stored, since when, and when it was erased."""
