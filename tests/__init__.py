"""Sentences that must be true of passerby."""
