"""`call = …` of an account file into the reading of a claim, and `--cross-check` into a call beside each layout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from verifier.app.account_file import AssetPart
from verifier.app.arguments import call_data
from verifier.app.problems import Problems
from verifier.app.toml_source import Path_
from verifier.assets.call import balance_reading
from verifier.assets.judges import JUDGE, with_judge
from verifier.calls import DEFAULT_GAS, ZERO_ADDRESS, Call
from verifier.claims import Asset, CallReading, Claim, ClaimKind, KnownAsset, Source
from verifier.codec.abi import split_types
from verifier.errors import BadInput
from verifier.margin.quotes import Feed
from verifier.positions import Position, PositionKind
from verifier.primitives import Address

_JUDGED_FEEDS = (PositionKind.CHAINLINK, PositionKind.ERC4626, PositionKind.UNISWAP_V3_AVERAGE)
CALL_KEYS = ("args", "index", "gas", "sender")


def claim_of(
    path: Path_, part: AssetPart, known: KnownAsset, holder: Address, kind: ClaimKind, problems: Problems
) -> Claim:
    """The claim of one line for one holder."""
    if part.call is None:
        given = [name for name in CALL_KEYS if getattr(part, name) is not None]
        if given:
            problems.add((*path, given[0]), 'says something of a call; add call = "name(types)(types)", or remove it')
        return Claim(known.asset, holder, kind, known.source)
    reading = _reading(path, part, known.asset, holder, problems)
    if reading is None:
        return Claim(known.asset, holder, kind, known.source)
    asset = known.asset if part.slot is not None else replace(known.asset, layout=None)
    standard = known.source is Source.REVIEWED and reading == balance_reading(reading.call.to, holder)
    return Claim(asset, holder, kind, Source.REVIEWED if standard else Source.USER, reading)


def _reading(path: Path_, part: AssetPart, asset: Asset, holder: Address, problems: Problems) -> CallReading | None:
    if asset.contract is None:
        problems.add(
            (*path, "call"), "the network's own coin has no contract to call; give contract, symbol and decimals"
        )
        return None
    sender = ZERO_ADDRESS
    if part.sender is not None:
        sender = holder if isinstance(part.sender, str) else part.sender
    try:
        data, returns = call_data(part.call or "", part.args or (), holder)
        index = part.index or 0
        types = split_types(returns)
        if index >= len(types) or "int" not in types[index].split("[")[0] or types[index].endswith("]"):
            problems.add((*path, "index"), f"value {index} of {returns} is no integer; counting starts at 0")
            return None
        gas = DEFAULT_GAS if part.gas is None else part.gas
        return CallReading(Call(asset.contract, data, sender, gas), returns, index)
    except BadInput as error:
        problems.add((*path, "call"), f"{error.what}: expected {error.expected}, got {error.got}")
        return None


def cross_checked(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """The claims, those read by a layout or a protocol's rules also read by the contract's own function."""
    return tuple(_cross_checked(claim) for claim in claims)


def cross_checked_feeds(feeds: Iterable[Feed]) -> tuple[Feed, ...]:
    """The feeds, those whose digits are typed in also held against what their contracts say."""
    return tuple(
        replace(feed, claim=replace(feed.claim, how=_judged(feed.claim.how)))
        if feed.claim.how.kind in _JUDGED_FEEDS
        else feed
        for feed in feeds
    )


def _judged(how: Position) -> Position:
    return Position(how.kind, tuple(sorted((dict(how.given) | {JUDGE: "call"}).items())))


def _cross_checked(claim: Claim) -> Claim:
    if isinstance(claim.reading, Position):
        return replace(claim, reading=with_judge(claim.reading))
    contract = claim.asset.contract
    if contract is None or claim.asset.layout is None or claim.reading is not None:
        return claim
    return replace(claim, reading=balance_reading(contract, claim.holder))
