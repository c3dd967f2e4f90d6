"""[[assets]] and [[debts]] into claims, and the meanings that the file itself gives to slots.

A symbol means what the registry says it means on that network. A contract with a slot is the user's own word
(`source = user`): the verifier takes it only if the policy names the contract, so we say which line is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from verifier.app.account_file import AssetPart
from verifier.app.account_file.words import FOUND
from verifier.app.call_readings import claim_of
from verifier.app.compile.places import Place
from verifier.app.compile.positions import compile_position, digits_due, is_position, not_listed, unlisted
from verifier.app.errors import StoreError, did_you_mean
from verifier.app.problems import Problems
from verifier.app.quantities import checksummed
from verifier.app.toml_source import Path_
from verifier.assets.find_slot import Found
from verifier.claims import Asset, AssetKey, Claim, ClaimKind, KeyOrder, KnownAsset, ProxyKind, Source, TokenLayout
from verifier.network import Network
from verifier.primitives import Address, ChainId, slot_key

_LAYOUT_KEYS = ("slot", "order", "offset_bits", "width_bits", "blocked_bit", "other_bits", "proxy")
_MEANING_KEYS = (*_LAYOUT_KEYS, "decimals", "symbol", "group")
Networks = Mapping[ChainId, Network]
Lookup = Callable[[ChainId, Address, Networks], Found | None]
"""What was found of where a token keeps its balances; None where nothing was."""


def nothing_found(chain: ChainId, token: Address, networks: Networks) -> Found | None:  # noqa: ARG001 - a Lookup
    """For whoever has no store."""
    return None


@dataclass(slots=True)
class Compiled:
    """Claims in the file's order, the pocket of each, and the meanings they rest on."""

    claims: list[Claim] = field(default_factory=list)
    pockets: list[str | None] = field(default_factory=list)
    paths: list[Path_] = field(default_factory=list)
    meanings: dict[AssetKey, KnownAsset] = field(default_factory=dict)
    findings: Lookup = nothing_found
    networks: Networks = field(default_factory=dict)

    def add(self, claim: Claim, pocket: str | None, path: Path_) -> None:
        """One more claim, with the line that it comes from."""
        self.claims.append(claim)
        self.pockets.append(pocket)
        self.paths.append(path)


def compile_lines(
    parts: Sequence[tuple[Path_, AssetPart, ClaimKind]],
    places: Mapping[str, Place],
    holders: Mapping[str, Mapping[ChainId | None, tuple[Address, ...]]],
    problems: Problems,
    folder: Path = Path(),
    findings: Lookup = nothing_found,
) -> Compiled:
    """All claims of a file; what is wrong goes to `problems`.

    Args:
        folder: Where layout files that a line names lie.
        findings: Where tokens were found to keep their balances, for lines that say `slot = "found"`.
    """
    made = Compiled(findings=findings, networks={p.network.chain_id: p.network for p in places.values()})
    for place in places.values():
        made.meanings.update({known.asset.key: known for known in place.assets})
    for path, part, kind in parts:
        here = places.get(part.network)
        if here is None:
            problems.add((*path, "network"), f"no such network; {did_you_mean(part.network, places)}")
            continue
        addresses = _addresses(path, part, here.network, holders, problems)
        if is_position(part):
            for claim in compile_position(path, part, kind, here.network, addresses, folder, problems):
                due = digits_due(claim, made.meanings)
                if due not in (None, claim.asset.decimals):
                    problems.add((*path, "decimals"), f"is {due} for the coin that this position is counted in")
                    break
                made.add(claim, part.pocket, path)
            continue
        if part.given:
            problems.add((*path, "with"), "is given without position")
        known = _asset(path, part, here, made, problems)
        if known is None:
            continue
        made.meanings.setdefault(known.asset.key, known)
        for address in addresses:
            made.add(claim_of(path, part, known, address, kind, problems), part.pocket, path)
    _refuse_doubles(made, problems)
    for claim, coins in not_listed(made.claims):
        names = ", ".join(sorted(checksummed(coin) for coin in coins))
        path = made.paths[made.claims.index(claim)]
        problems.add((*path, "with"), f"calls the debts of {names} listed, and no line of [[debts]] speaks of them")
    for claim in unlisted(made.claims):
        made.add(claim, None, ("debts", len(parts)))
    return made


def _refuse_doubles(made: Compiled, problems: Problems) -> None:
    """One balance counts once, however often and however it is spelled."""
    first: dict[object, Path_] = {}
    for claim, path in zip(made.claims, made.paths, strict=True):
        before = first.setdefault(claim.identity, path)
        if before is not path:
            holder = checksummed(claim.holder)
            problems.add(path, f"{claim.asset.symbol} of {holder} is listed before, in {before[0]}[{before[1]}]")


def _addresses(
    path: Path_,
    part: AssetPart,
    network: Network,
    holders: Mapping[str, Mapping[ChainId | None, tuple[Address, ...]]],
    problems: Problems,
) -> list[Address]:
    """The holders of a line: names from [holders]."""
    key, names = ("holders", part.holders) if part.holders else ("holder", part.holder)
    if part.holder and part.holders:
        problems.add((*path, "holders"), "is given beside holder; keep one of them")
    if not names:
        problems.add((*path, "holder"), 'is required: a name from [holders], such as holder = "vault"')
    found: list[Address] = []
    for name in dict.fromkeys(names):
        known = holders.get(name)
        if known is None:
            extra = "give the address a name under [holders]" if name.startswith("0x") else did_you_mean(name, holders)
            problems.add((*path, key), f"no such holder; {extra}")
            continue
        here = known.get(None, ()) + known.get(network.chain_id, ())
        if not here:
            problems.add((*path, key), f"holder {name} has no address on {network.name}; add one under [holders]")
        found += [address for address in here if address not in found]
    return found


def _asset(path: Path_, part: AssetPart, place: Place, made: Compiled, problems: Problems) -> KnownAsset | None:
    if part.contract is not None and part.asset is not None:
        problems.add((*path, "asset"), "is given beside contract; keep one of them")
        return None
    if part.asset is not None:
        return _by_symbol(path, part, place, problems)
    if part.contract is None:
        problems.add(
            (*path, "asset"), 'is required: a symbol such as "USDC", "native", or contract with a slot or a call'
        )
        return None
    return _explicit(path, part, place.network, made, problems)


def _by_symbol(path: Path_, part: AssetPart, place: Place, problems: Problems) -> KnownAsset | None:
    """The registry's asset of that symbol; the network's own coin as `native` or by its symbol."""
    given = [name for name in _MEANING_KEYS if getattr(part, name) is not None]
    if given:
        problems.add((*path, given[0]), "says something of a known asset; remove it, or give contract and slot instead")
        return None
    network, symbol = place.network, part.asset
    coin = Asset(network.chain_id, network.native_symbol, network.native_decimals, network.native_group)
    tokens = [k for k in place.assets if k.asset.contract is not None and k.asset.symbol == symbol]
    if symbol == "native" or (symbol == network.native_symbol and not tokens):
        return next((k for k in place.assets if k.asset.contract is None), KnownAsset(coin))
    if len(tokens) == 1:
        return tokens[0]
    if tokens:
        options = ", ".join(checksummed(k.asset.contract) for k in tokens if k.asset.contract is not None)
        problems.add((*path, "asset"), f"{network.name} has several {symbol}; write contract = one of {options}")
        return None
    names = {k.asset.symbol for k in place.assets} | {"native"}
    cure = f"{did_you_mean(symbol or '', names)}; any other token needs contract, symbol, decimals, and slot or call"
    problems.add((*path, "asset"), f"{network.name} has no asset of that name in the registry; {cure}")
    return None


def _explicit(path: Path_, part: AssetPart, network: Network, made: Compiled, problems: Problems) -> KnownAsset | None:
    """A token by its contract: the registry's if it knows it, else as the file says (source user), or as was found."""
    known = None if part.contract is None else made.meanings.get((network.chain_id, part.contract))
    given = [name for name in _MEANING_KEYS if getattr(part, name) is not None]
    if known is not None and not given:
        return known
    if known is not None and known.source is Source.REVIEWED:
        cure = f'write asset = "{known.asset.symbol}" without a slot'
        problems.add((*path, given[0]), f"the registry knows this contract on {network.name}; {cure}")
        return None
    due = ("decimals", "symbol") if part.call is not None else ("slot", "decimals", "symbol")
    missing = [name for name in due if getattr(part, name) is None]
    if missing:
        for name in missing:
            problems.add((*path, name), "is required for a token that the registry does not know")
        return None
    described = _user_asset(path, part, network, made, problems)
    if described is not None and known is not None and known != described:
        problems.add(path, "the same contract is described differently before; describe it once, in the same words")
        return None
    return described


def _found_asset(
    path: Path_, part: AssetPart, network: Network, made: Compiled, problems: Problems
) -> KnownAsset | None:
    """A token whose balances were found by its own `balanceOf`, bound to the code that ran then (source discovered)."""
    given = [name for name in _LAYOUT_KEYS[1:] if getattr(part, name) is not None]
    if given:
        problems.add((*path, given[0]), 'says what slot = "found" takes from the finding; remove it, or give the slot')
        return None
    if part.contract is None:
        return None
    try:
        found = made.findings(network.chain_id, part.contract, made.networks)
    except StoreError as error:
        problems.add((*path, "slot"), f"{error}; find it again")
        return None
    if found is None:
        cure = f"xmargin slots find {network.name} {checksummed(part.contract)} HOLDER HOLDER"
        problems.add((*path, "slot"), f"nothing was found of this token yet; run {cure}")
        return None
    symbol = part.symbol or ""
    asset = Asset(network.chain_id, symbol, part.decimals or 0, part.group or symbol, part.contract, found.layout)
    return KnownAsset(asset, (found.pin,), f"found at {found.where} by balanceOf", Source.DISCOVERED)


def _user_asset(
    path: Path_, part: AssetPart, network: Network, made: Compiled, problems: Problems
) -> KnownAsset | None:
    if part.slot == FOUND:
        return _found_asset(path, part, network, made, problems)
    symbol, decimals, slot = part.symbol or "", part.decimals or 0, part.slot or 0
    if part.slot is None:
        return _called_asset(path, part, network, problems)
    offset, width = part.offset_bits or 0, part.width_bits
    width = 256 - offset if width is None else width
    if offset + width > 256:
        problems.add((*path, "width_bits"), "the field does not fit in a word of 256 bits")
        return None
    field_bits = ((1 << width) - 1) << offset
    blocked = 0 if part.blocked_bit is None else 1 << part.blocked_bit
    if field_bits & (blocked | (part.other_bits or 0)):
        problems.add((*path, "width_bits"), "the balance overlaps blocked_bit or other_bits; make it narrower")
        return None
    layout = TokenLayout(
        slot_key(slot),
        KeyOrder(part.order or "solidity"),
        offset_bits=offset,
        width_bits=width,
        blocked_bit=part.blocked_bit,
        other_bits=part.other_bits or 0,
        proxy=None if part.proxy is None else ProxyKind(part.proxy),
    )
    asset = Asset(network.chain_id, symbol, decimals, part.group or symbol, part.contract, layout)
    return KnownAsset(asset, evidence="account file", source=Source.USER)


def _called_asset(path: Path_, part: AssetPart, network: Network, problems: Problems) -> KnownAsset | None:
    """A contract that only a call reads: what a slot would need, says nothing here."""
    given = [name for name in _LAYOUT_KEYS if getattr(part, name) is not None]
    if given:
        problems.add((*path, given[0]), "describes a slot; give slot too, or read the contract by its call alone")
        return None
    symbol = part.symbol or ""
    asset = Asset(network.chain_id, symbol, part.decimals or 0, part.group or symbol, part.contract)
    return KnownAsset(asset, evidence="account file", source=Source.USER)
