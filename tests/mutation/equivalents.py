"""Mutants that no test can tell from the original, each with the reason. Everything else must be noticed."""

from __future__ import annotations

_QUICK = "bounds of a quick way only: what falls out of it is read by the plain parser, to the same end"

EQUIVALENT: dict[str, str] = {
    "verifier/verify.py:check_meaning: False -> True": "the network's coin is read from the leaf; no code is accepted "
    "or refused for it, so its kind does not look at the flag",
    "verifier/wire.py:encode_bundle: True -> False (#2)": "the envelope is a list of text, an integer and byte strings, "
    "which have one encoding whether it is called canonical or not",
    "verifier/trie/walk.py:module: n < 8 | n < -> <= 8": _QUICK,
    "verifier/trie/walk.py:_quick_leaf: size < EMBEDDED_BELOW | size < -> <= EMBEDDED_BELOW": _QUICK,
    "verifier/trie/walk.py:_quick_leaf: size > 257 | size > -> >= 257": _QUICK,
    "verifier/trie/walk.py:_quick_leaf: 0x82 <= mark <= 0xA1 | mark <= -> < 0xA1": _QUICK,
}
