"""Redacted pictures and clear packets out, with no metadata outside the allow-list."""
