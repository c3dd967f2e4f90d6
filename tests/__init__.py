"""The tests of xmargin."""
