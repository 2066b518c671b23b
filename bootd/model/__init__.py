"""Frozen values that every layer above may hold; no behaviour beyond checking themselves."""
