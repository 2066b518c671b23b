"""Loaders put the next kernel in memory: `table` lists them and chooses, `task` runs one.

Nothing is imported here: the daemon starts before anyone has asked for a kernel.
"""
