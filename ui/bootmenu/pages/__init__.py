"""What the screen shows, as lines: a module for each page, and the table of them. Pure."""
