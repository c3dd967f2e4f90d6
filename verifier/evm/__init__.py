"""Calls of contracts, run by the executable specification over proven accounts, words and code only."""
