"""The account file: what a person writes, checked for shape.

This room decides shape only: known keys, right types, exact numbers. What the words mean (which network, which
token) is decided in `compile`, with the registry at hand. Values are held as parsed integers, decimals and bytes.
"""

from verifier.app.account_file.market_parts import (
    DepthPart,
    ExpiryPart,
    FeedPart,
    MarginPart,
    MarketPart,
    PositionPart,
    PricePart,
    RoutePart,
)
from verifier.app.account_file.parse import parse_part
from verifier.app.account_file.parts import (
    ASK_ENDPOINTS,
    AccountPart,
    AssetPart,
    CodePart,
    DeclaredDebtPart,
    EndpointPart,
    FactorsPart,
    HolderPart,
    NetworkPart,
    PolicyPart,
    ProposedPart,
)
from verifier.app.account_file.whole import AccountFile, parse_account, read_account
from verifier.app.account_file.words import AddressText, Name, Part, Preset, Span

__all__ = [
    "ASK_ENDPOINTS",
    "AccountFile",
    "AccountPart",
    "AddressText",
    "AssetPart",
    "CodePart",
    "DeclaredDebtPart",
    "DepthPart",
    "EndpointPart",
    "ExpiryPart",
    "FactorsPart",
    "FeedPart",
    "HolderPart",
    "MarginPart",
    "MarketPart",
    "Name",
    "NetworkPart",
    "Part",
    "PolicyPart",
    "PositionPart",
    "Preset",
    "PricePart",
    "ProposedPart",
    "RoutePart",
    "Span",
    "parse_account",
    "parse_part",
    "read_account",
]
