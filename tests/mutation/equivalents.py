"""Mutants that no test can tell from the original, each with the reason. Everything else must be noticed."""

from __future__ import annotations

_QUICK = "a bound of a quick way: what falls out of it is read by the plain parser, to the same end"
_OUTLINES = "verifier/trie/outlines.py:"
_KINDS = "verifier/assets/"
_CURVES = "verifier/margin/curves.py:"

EQUIVALENT: dict[str, str] = {
    "verifier/codec/abi.py:split_types: if not isinstance(found, TupleType): raise": "a text in parentheses parses to a "
    "tuple or not at all; the line keeps that a matter of types",
    "verifier/verify/meaning.py:check_meaning: False -> True": "the network's coin is read from the leaf; no code is accepted "
    "or refused for it, so its kind does not look at the flag",
    "verifier/wire/encode.py:encode_bundle: True -> False (#2)": "the envelope is a list of text, an integer and byte strings, "
    "which have one encoding whether it is called canonical or not",
    "verifier/prices/average.py:_Ring._around: self._ago(_time(word)) < back | self._ago(_time(word)) < -> <= back": ""
    "an observation at the very moment is then both of the two around it, and its own sum is taken all the same",
    "verifier/prices/average.py:_toward_zero: numerator >= 0 | numerator >= -> > 0": "zero over anything is zero, from "
    "either side",
    "verifier/prices/rates.py:read: False -> True": "a vault's parameters come with its digits always; the line keeps that "
    "a matter of types",
    "verifier/merkle/sorted_pairs.py:pair_hash: one < two | one < -> <= two": "two halves that are one have one order",
    "verifier/consensus/validate.py:_check_period: signed < period | signed < -> <= period": "a signature of the view's own "
    "period has returned before",
    **dict.fromkeys(
        (
            "verifier/consensus/store.py:_rank: 3 * signers >= 2 * len(update.bits) | 3 * signers >= -> > 2 * len(update.bits)",
            (
                "verifier/consensus/store.py:Store.process: 3 * update.signers >= 2 * len(update.bits) | "
                "3 * update.signers >= -> > 2 * len(update.bits)"
            ),
        ),
        "committees have a power of two of members, so none has exactly two thirds of them",
    ),
    "verifier/consensus/validate.py:verify_signature: if committee is None: raise": "the period was checked before, so "
    "the committee is there; the line keeps that a matter of types",
    "verifier/evm/state.py:Account.code: self._proven is None or self._view is None | self._proven is None or -> and "
    "self._view is None": "what was proven comes with the view that tells its code; the line keeps that a matter of types",
    "verifier/evm/state.py:Account.has_code: self._code is None and self._proven is not None | self._code is None and -> "
    "or self._proven is not None": "code that was looked up has the proven hash, and code that was set drops what was proven",
    "verifier/verify_calls.py:_outcome: if not isinstance(claim.reading, CallReading): raise": "every claim was seen to be "
    "read by a call; the line keeps that a matter of types",
    "verifier/evm/machine.py:Machine._message: True -> False": "no value is sent, so there is none to transfer",
    **dict.fromkeys(
        (
            f"{_OUTLINES}leaf_value: size < EMBEDDED_BELOW | size < -> <= EMBEDDED_BELOW",
            f"{_OUTLINES}leaf_value: size >= 58 | size >= -> > 58",
            f"{_OUTLINES}leaf_value: size <= 56 | size <= -> < 56",
            f"{_OUTLINES}leaf_value: 2 <= len(own) <= 33 | 2 <= -> < len(own)",
            f"{_OUTLINES}leaf_value: 2 <= len(own) <= 33 | len(own) <= -> < 33",
            f"{_OUTLINES}_last_string: 0x80 < first <= 0xB7 | first <= -> < 0xB7",
            f"{_OUTLINES}_last_string: first != 0x81 or raw[start + 1] >= 0x80 | first != 0x81 or -> and raw[start + 1] >= 0x80",
            f"{_OUTLINES}_last_string: raw[start + 1] >= 0x80 | raw[start + 1] >= -> > 0x80",
        ),
        _QUICK,
    ),
    f"{_KINDS}compound_v3.py:Curve.at: use <= self.kink | use <= -> < self.kink": "a curve is continuous: at its kink both "
    "parts give one rate",
    f"{_KINDS}compound_v3.py:read: mine <= 0 | mine <= -> < 0": "nothing at any index is nothing",
    **dict.fromkeys(
        (
            f"{_KINDS}adaptive_curve.py:average_rate: use > TARGET | use > -> >= TARGET",
            f"{_KINDS}adaptive_curve.py:curve: error < 0 | error < -> <= 0",
            f"{_KINDS}adaptive_curve.py:exp: x < LN_WEI | x < -> <= LN_WEI",
            f"{_KINDS}adaptive_curve.py:exp: x >= TOP | x >= -> > TOP",
            f"{_KINDS}adaptive_curve.py:exp: x < 0 | x < -> <= 0",
            f"{_KINDS}adaptive_curve.py:exp: power >= 0 | power >= -> > 0",
            f"{_KINDS}adaptive_curve.py:toward_zero: numerator >= 0 | numerator >= -> > 0",
        ),
        "both sides of the bound give one figure there",
    ),
    f"{_KINDS}morpho_blue.py:parse: False -> True": "whether anything is owed looks at the market alone",
    f"{_KINDS}uniswap_v2.py:_fee_tokens: root > before | root > -> >= before": "where nothing grew there is no fee of it",
    f"{_CURVES}PerpCurve.at: size > 0 | size > -> >= 0": "a size of nothing has returned before",
    f"{_CURVES}PerpCurve.at: made > 0 | made > -> >= 0": "what is neither gain nor loss is set to nothing, which it is",
    f"{_CURVES}PerpCurve.at: notional > tier.above | notional > -> >= tier.above": "requirements are continuous: on a "
    "bound both tiers ask the same, to the unit",
    f"{_CURVES}perp_curve: made.top >= 0 | made.top >= -> > 0": "a curve that reaches no price is asked at none",
    f"{_CURVES}line_curve: line.amount is None or view.price is None or not view.values_holdings | line.amount is None or "
    "-> and view.price is None": "without a price no holding is valued, and of an amount that is not known nothing is",
    **dict.fromkeys(
        (
            f"{_CURVES}weigh_net: net > 0 | net > -> >= 0",
            f"{_CURVES}weigh_net: net_initial > 0 | net_initial > -> >= 0",
            f"{_CURVES}weigh_net: net_initial < 0 | net_initial < -> <= 0",
        ),
        "a balance of nothing is neither haircut nor weighted up",
    ),
}
