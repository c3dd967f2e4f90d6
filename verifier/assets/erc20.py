"""ERC-20 balances read from the token's own storage, at a layout that is valid for reviewed code only.

The figure is a field of the word at `mapping(holder => word)`. What makes that word a balance is the token's code, so
the token's code hash is proven under the same root, and behind a proxy the implementation's address and code hash too.

Source: Solidity, "Layout of State Variables in Storage"; EIP-1967; ZeppelinOS's `org.zeppelinos.proxy.implementation`.
"""

from __future__ import annotations

from typing import Final

from verifier.assets.kind import Reading, State
from verifier.claims import (
    AccountRead,
    Claim,
    CodePin,
    Guard,
    KeyOrder,
    KnownAsset,
    ProxyKind,
    Reads,
    Source,
    TokenLayout,
)
from verifier.codec.abi import mapping_slot, pad_address, seeded_slot, vyper_mapping_slot
from verifier.errors import BadInput, NotThere, NotUsable, UnreviewedCode, Where
from verifier.primitives import Address, SlotKey, Word, to_hex
from verifier.proven import ProvenAccount, ProvenWord
from verifier.state.ethereum import EMPTY_CODE

IMPLEMENTATION_SLOTS: Final = {
    # the hash of "eip1967.proxy.implementation", less one
    ProxyKind.EIP1967: SlotKey(bytes.fromhex("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc")),
    # the hash of "org.zeppelinos.proxy.implementation"
    ProxyKind.ZEPPELINOS: SlotKey(bytes.fromhex("7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3")),
}


def balance_slot(layout: TokenLayout, holder: Address) -> SlotKey:
    """The slot of a holder's balance word."""
    key = pad_address(holder)
    if layout.order is KeyOrder.VYPER:
        return vyper_mapping_slot(key, layout.base)
    if layout.order is KeyOrder.SOLADY:
        return seeded_slot(key, layout.base)
    return mapping_slot(key, layout.base)


def compile(claim: Claim, known: KnownAsset | None, *, accepted: bool) -> Reads:  # noqa: A001 - the port's word
    """The token's account with the balance slot, and what proves its code to be the reviewed one."""
    token, layout = _token(claim)
    pins = _pins(known, accepted=accepted)
    slots = [balance_slot(layout, claim.holder), *(guard_slot(g, claim.holder) for g in _guards(known, pins))]
    if layout.proxy is not None and any(pin.implementation is not None for pin in pins):
        slots.append(IMPLEMENTATION_SLOTS[layout.proxy])
    implementations = sorted({pin.implementation for pin in pins if pin.implementation is not None})
    return Reads((AccountRead(token, tuple(slots)), *(AccountRead(a) for a in implementations)))


def decode(claim: Claim, known: KnownAsset | None, state: State, where: Where, *, accepted: bool) -> Reading:
    """
    The holder's balance in the token's base units.

    Raises:
        NotThere: The token is proven to have no code.
        UnreviewedCode: Its code, or its implementation's, is not what the layout was reviewed for.
        NotUsable: The holder is blocked by the token, the token says that it does not answer any more, or the word has
            bits that the layout does not explain.
        Malformed, ProofError: As the proofs of accounts and words raise them.
    """
    address, layout = _token(claim)
    token = state.account(address)
    if not token.exists or token.code_hash == EMPTY_CODE:
        raise NotThere(where.at(address=address), "the token contract's code")
    pins = _pins(known, accepted=accepted)
    bound = _bind(token, layout, pins, state) if pins else ()
    bound += tuple(_off(guard, token, claim.holder, state) for guard in _guards(known, pins))
    word = state.word(token, balance_slot(layout, claim.holder))
    units = _balance(word.word, layout, where.at(address=address, slot=word.slot))
    return Reading(units, word, bound, reviewed=bool(pins) and not accepted)


def guard_slot(guard: Guard, holder: Address) -> SlotKey:
    """The slot of a flag, of one holder where it is kept by holder."""
    return mapping_slot(pad_address(holder), guard.base) if guard.by_holder else guard.base


def _token(claim: Claim) -> tuple[Address, TokenLayout]:
    contract, layout = claim.asset.contract, claim.asset.layout
    if contract is None or layout is None:
        raise BadInput("token claim", "a contract and a layout", claim.asset.symbol)
    return contract, layout


def _pins(known: KnownAsset | None, *, accepted: bool) -> tuple[CodePin, ...]:
    """
    The code that the layout is bound to. A contract that the policy names is taken as it stands, so nothing is pinned
    for it; but a layout that was found is no more than what that code did, so its code is pinned all the same.
    """
    if known is None or (accepted and known.source is not Source.DISCOVERED):
        return ()
    return known.pins


def _guards(known: KnownAsset | None, pins: tuple[CodePin, ...]) -> tuple[Guard, ...]:
    """The flags of the code that is pinned; of other code nobody knows what its slots say."""
    return known.guards if known is not None and pins else ()


def _off(guard: Guard, token: ProvenAccount, holder: Address, state: State) -> ProvenWord:
    flag = state.word(token, guard_slot(guard, holder))
    if int.from_bytes(flag.word, "big") & guard.mask:
        raise NotUsable(flag.where, guard.reason)
    return flag


def _bind(
    token: ProvenAccount, layout: TokenLayout, pins: tuple[CodePin, ...], state: State
) -> tuple[ProvenAccount | ProvenWord, ...]:
    fitting = [pin for pin in pins if pin.code_hash == token.code_hash]
    if not fitting:
        expected = " or ".join(to_hex(pin.code_hash) for pin in pins)
        raise UnreviewedCode(token.where, "the token's code hash", expected, token.code_hash)
    if layout.proxy is None:
        return (token,)
    pointer = state.word(token, IMPLEMENTATION_SLOTS[layout.proxy])
    target = Address(bytes(pointer.word[12:]))
    for pin in fitting:
        if pin.implementation == target and not any(pointer.word[:12]):
            return (token, pointer, _implementation(pin, target, state))
    expected = " or ".join(to_hex(pin.implementation) for pin in fitting if pin.implementation is not None)
    raise UnreviewedCode(pointer.where, "the proxy's implementation", expected or "none", target)


def _implementation(pin: CodePin, target: Address, state: State) -> ProvenAccount:
    implementation = state.account(target)
    if pin.implementation_code_hash is None or implementation.code_hash != pin.implementation_code_hash:
        expected = "none" if pin.implementation_code_hash is None else to_hex(pin.implementation_code_hash)
        raise UnreviewedCode(implementation.where, "the implementation's code hash", expected, implementation.code_hash)
    return implementation


def _balance(word: Word, layout: TokenLayout, where: Where) -> int:
    whole = int.from_bytes(word, "big")
    mask = ((1 << layout.width_bits) - 1) << layout.offset_bits
    blocked = 0 if layout.blocked_bit is None else 1 << layout.blocked_bit
    if whole & blocked:
        raise NotUsable(where, f"the token has blocked this holder (bit {layout.blocked_bit} of the balance word)")
    unexplained = whole & ~(mask | blocked | layout.other_bits)
    if unexplained:
        raise NotUsable(where, f"the balance word has bits the layout does not explain: {hex(unexplained)}")
    return (whole & mask) >> layout.offset_bits
