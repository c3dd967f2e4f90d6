"""The bundle as bytes: one canonical form, which embeds its own content id.

    array(4) [ "xmargin-bundle", version, id: bytes(32), body: bytes ]
    id   = sha256("xmargin-bundle" ‖ 0x00 ‖ version as one byte ‖ body)
    body = deterministic CBOR of { as_of, assets, claims, nodes, omitted, sections, codes?, prices? }

Each asset stands once, in a table that claims point into; each trie node and each contract's code stands once, in lists
that sections point into. What is marked with ? is left out where it is empty. Parsing decides shape and nothing else:
what it returns is believed by no one.
"""

from verifier.wire.encode import encode_bundle
from verifier.wire.envelope import MAGIC, content_id
from verifier.wire.parse import ParsedBundle, parse_bundle

__all__ = ["MAGIC", "ParsedBundle", "content_id", "encode_bundle", "parse_bundle"]
