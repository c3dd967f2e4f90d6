"""What hangs under a state root: accounts, words and list items."""
