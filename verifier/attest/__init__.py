"""Saying so: statements over margin accounts, their signatures, and the forms in which others read them."""
