"""Strict encodings: RLP, and the words and slots of contract storage."""
