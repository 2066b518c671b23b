"""Boot configuration formats."""
