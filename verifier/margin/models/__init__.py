"""Numerical models: the one place for floats. What leaves as money is rounded against the account, in `money.py`."""
