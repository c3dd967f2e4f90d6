"""Weighing: from proven amounts to one margin account."""
