"""One balance counts once: what identifies a balance, whichever side it is seen from.

A claim is identified by chain id, contract and holder: bytes and numbers, so no spelling, symbol or name of a network
makes a second one. Some balances have two entry points all the same: a contract that mirrors the network's own coin,
a token with two addresses. And a token's own contract holds what backs the token, so both are one value. A place in
storage and a call say by themselves whose figure they give, if anyone's: under a second holder it is the same figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from verifier.claims import AssetKey, CallReading, Claim, ClaimKind
from verifier.errors import CountedTwice, Where
from verifier.positions import WORD, Part, Position, PositionKind, field_of
from verifier.primitives import Address, ChainId, SlotKey, to_hex
from verifier.proven import ProvenAmount, ProvenCall, ProvenWord

Identity = tuple[ChainId, Address | None, Address, Part]


_Place = tuple[ChainId, Address, SlotKey]

Aliases = Mapping[AssetKey, AssetKey]
"""Second entry points, and the asset that each is. Which there are is said in the chains' own files, with sources."""

NO_ALIASES: Final[Aliases] = MappingProxyType({})


Escrows = Mapping[tuple[ChainId, Address], str]
"""Bridges' contracts by network and address, and whose tokens they back, as the chains' own files say with sources."""

NO_ESCROWS: Final[Escrows] = MappingProxyType({})


def check_duplicates(claims: Iterable[Claim], aliases: Aliases = NO_ALIASES, escrows: Escrows = NO_ESCROWS) -> None:
    """
    Establish that no two claims are one balance. Needs no evidence, so it can be asked before anything is gathered.

    Raises:
        CountedTwice: Two claims have one chain, asset, holder and part, after aliases; one is a part of what the other
            counts whole (liquidity tokens, and one coin of them); two read the same bits, or what one call returns,
            whoever their holders are; or a claim's holder is a contract that another claim counts or reads on the same
            network (what it holds is what backs the other), or a bridge's escrow (what it holds circulates on another
            network).
    """
    seen: dict[tuple[ChainId, Address | None, Address], dict[Part, Claim]] = {}
    backing: dict[AssetKey, Claim] = {}
    kept: list[Claim] = []
    read: dict[tuple[object, ...], list[tuple[range, Claim]]] = {}
    for claim in claims:
        chain, asset, holder, part = canonical(claim, aliases)
        parts = seen.setdefault((chain, asset, holder), {})
        for other, earlier in parts.items():
            if other == part or not other or not part:
                raise CountedTwice(
                    _where(claim), label(earlier), label(claim), _why(earlier, claim, whole=other != part)
                )
        parts[part] = claim
        _check_figure(claim, (chain, asset), read)
        kept.append(claim)
        for contract in _contracts(claim):
            backing.setdefault((claim.chain_id, contract), claim)
    for claim in kept:
        bridged = escrows.get((claim.chain_id, claim.holder))
        if bridged is not None:
            reason = f"the holder is a bridge's escrow, and what it holds circulates on {bridged}"
            raise CountedTwice(_where(claim), label(claim), f"the bridged tokens on {bridged}", reason)
        token = backing.get((claim.chain_id, claim.holder))
        if token is not None:
            raise CountedTwice(_where(claim), label(token), label(claim), "the token's contract holds what backs it")


def check_read(amounts: Iterable[ProvenAmount]) -> None:
    """
    Establish that no holding was computed from what another one counts: from the word that holds the other's figure, or
    from the storage of a contract that is the other's holder, so that what it holds backs this one.

    A position names the contracts that it needs to be told of; what it then leads to is known only once it is proven. A
    Uniswap v3 position leads to its pool, a vault's own function to whatever the vault asks. And one word has many
    names: a path to it, the rules of a protocol, another contract's function that looks it up.

    Raises:
        CountedTwice: One was; the error names both claims, and the contract or the word.
    """
    held = [amount for amount in amounts if amount.claim.kind is ClaimKind.HOLDING]
    _check_words(held)
    _check_calls(held)
    read: dict[tuple[ChainId, Address], Claim] = {}
    for amount in held:
        for contract in _read_by(amount):
            if contract != amount.claim.holder:
                read.setdefault((amount.claim.chain_id, contract), amount.claim)
    for amount in held:
        claim = amount.claim
        other = read.get((claim.chain_id, claim.holder))
        if other is not None:
            reason = "the holder is a contract that the other is computed from, and what it holds backs that"
            raise CountedTwice(_where(claim), label(other), label(claim), reason)


def _check_words(held: Sequence[ProvenAmount]) -> None:
    """
    That the word which holds one figure is not among those that another was decoded from.

    What else a figure is computed from (an index, totals, a rate) others may share. Parts of one position are told
    apart before anything is asked: both coins of a pool's share rest on one word.
    """
    figures: dict[_Place, list[ProvenAmount]] = {}
    for amount in held:
        if isinstance(amount.rests_on, ProvenWord):
            figures.setdefault(_place(amount, amount.rests_on), []).append(amount)
    for amount in held:
        for word in _words(amount):
            for other in figures.get(_place(amount, word), ()):
                if not _told_apart(amount.claim, other.claim) and _overlap(_bits(amount, word), _bits(other, word)):
                    raise _of_one_word(other, amount, word)


def _check_calls(held: Sequence[ProvenAmount]) -> None:
    """
    That no call reads all that another one read, and more or nothing: then it looks up the other's figure.

    Two addresses of one token, and one call with bytes behind its arguments that no code looks at, are told by nothing
    else. A call that returned zero adds nothing, and may have read no more than a flag.
    """
    calls = [(amount, {_place(amount, word): word for word in _words(amount)}) for amount in held if _is_call(amount)]
    readers: dict[_Place, set[int]] = {}
    for i, (_, words) in enumerate(calls):
        for place in words:
            readers.setdefault(place, set()).add(i)
    for i, (amount, words) in enumerate(calls):
        others = set.intersection(*(readers[place] for place in words)) - {i} if words else set()
        for j in sorted(others):
            if amount.claim.identity != calls[j][0].claim.identity:
                raise _of_one_word(calls[j][0], amount, next(reversed(words.values())))


def _is_call(amount: ProvenAmount) -> bool:
    return isinstance(amount.rests_on, ProvenCall) and amount.amount > 0


def _of_one_word(other: ProvenAmount, amount: ProvenAmount, word: ProvenWord) -> CountedTwice:
    reason = f"both are decoded from the word at slot {to_hex(word.slot)} of {to_hex(word.rests_on.address)}"
    return CountedTwice(_where(amount.claim), label(other.claim), label(amount.claim), reason)


def _words(amount: ProvenAmount) -> Iterator[ProvenWord]:
    """All words that a figure was decoded from."""
    whole = amount.rests_on.reads if isinstance(amount.rests_on, ProvenCall) else (amount.rests_on, *amount.bound_by)
    yield from (step for step in whole if isinstance(step, ProvenWord))


def _place(amount: ProvenAmount, word: ProvenWord) -> _Place:
    return amount.claim.chain_id, word.rests_on.address, word.slot


def _bits(amount: ProvenAmount, word: ProvenWord) -> range:
    """Which bits of a word a figure takes: of its own word those of its field, of every other one all."""
    own, reading = amount.rests_on, amount.claim.reading
    if isinstance(reading, Position) and isinstance(own, ProvenWord) and _place(amount, own) == _place(amount, word):
        return field_of(reading)
    return WORD


def _overlap(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop


def _told_apart(claim: Claim, other: Claim) -> bool:
    """Whether two claims are one, or parts by one kind's rules at one contract."""
    if claim.identity == other.identity:
        return True
    mine, theirs = claim.reading, other.reading
    if not isinstance(mine, Position) or not isinstance(theirs, Position):
        return False
    return mine.kind is theirs.kind and claim.asset.key == other.asset.key


def _read_by(amount: ProvenAmount) -> Iterator[Address]:
    """The contracts whose words a position or a call led to. A balance's own slot leads nowhere else."""
    if amount.claim.reading is not None:
        yield from (word.rests_on.address for word in _words(amount))


def _check_figure(claim: Claim, asset: AssetKey, read: dict[tuple[object, ...], list[tuple[range, Claim]]]) -> None:
    """That no earlier claim reads the same figure, where what is read does not go by the holder."""
    found = _figure_of(claim)
    if found is None:
        return
    what, bits = found
    others = read.setdefault((asset, claim.kind, *what), [])
    for taken, earlier in others:
        if _overlap(bits, taken):
            reason = "both read one figure of the contract, which does not go by the holder"
            raise CountedTwice(_where(claim), label(earlier), label(claim), reason)
    others.append((bits, claim))


def _figure_of(claim: Claim) -> tuple[tuple[object, ...], range] | None:
    """What a place or a call reads, and which bits of it; None for claims that go by their holder."""
    reading = claim.reading
    if isinstance(reading, CallReading):
        return (reading.call.data, reading.call.sender, reading.index), range(1)
    if not isinstance(reading, Position) or reading.kind is not PositionKind.STORAGE:
        return None
    return (dict(reading.given).get("slot"),), field_of(reading)


def _contracts(claim: Claim) -> Iterator[Address]:
    """The claim's own contract, and those that its position names: what they hold is counted by the claim."""
    if claim.asset.contract is not None:
        yield claim.asset.contract
    if isinstance(claim.reading, Position):
        yield from (Address(value) for _, value in claim.reading.given if isinstance(value, bytes) and len(value) == 20)


def canonical(claim: Claim, aliases: Aliases = NO_ALIASES) -> Identity:
    """Chain, asset, holder and part, with second entry points resolved."""
    chain, contract = aliases.get(claim.asset.key, claim.asset.key)
    return (chain, contract, claim.holder, claim.part)


def label(claim: Claim) -> str:
    """A claim's name in reports: kind, chain id, asset and holder; the same bytes always give the same text."""
    contract = claim.asset.contract
    asset = "native" if contract is None else to_hex(contract)
    named = f"{claim.kind}:{claim.chain_id}:{asset}:{to_hex(claim.holder)}"
    return named + "".join(f":{name}={to_hex(v) if isinstance(v, bytes) else v}" for name, v in claim.part)


def _why(earlier: Claim, claim: Claim, *, whole: bool) -> str:
    if whole:
        return "one of them is a part of what the other counts whole"
    if earlier.asset.key == claim.asset.key:
        return "same network, asset and holder"
    return "two entry points of one asset"


def _where(claim: Claim) -> Where:
    return Where(network=f"chain {claim.chain_id}", address=claim.holder)
