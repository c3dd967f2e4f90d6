"""The bundle as JSON: a view that people and other programs can read, and that parses back to the same bytes.

The binary form is the one that has a content id. The view carries that id, and a view whose content has another id is
refused, so both forms mean the same thing or nothing.
"""

from verifier.view.read import parse_view
from verifier.view.write import encode_view

__all__ = ["encode_view", "parse_view"]
