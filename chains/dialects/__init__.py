"""How questions become calls and replies become evidence."""
