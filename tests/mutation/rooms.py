"""Which tests a module's checks are held against: quick ones first, since the first that fails ends the run."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

NOTICED = "tests/hostile/test_noticed_{}.py"
_WHOLE = ("tests/verifier/verify", NOTICED.format("whole"))
_ROOTED = ("tests/verifier/settlement/test_bundle.py", "tests/hostile/test_light_evidence.py")
"""Whole bundles that are rooted by a light client or by a parent's contract."""
_TRIE = ("tests/verifier/trie", "tests/hostile/trie", "tests/hostile/test_packaging.py", NOTICED.format("trie"))
_HEADERS = ("tests/verifier/headers", "tests/hostile/test_headers.py", NOTICED.format("headers"), *_WHOLE)
_STATE = ("tests/verifier/state", "tests/hostile/test_state.py", NOTICED.format("state"))
_WIRE = ("tests/verifier/test_wire.py", NOTICED.format("wire"))
_MARGIN = "tests/verifier/margin/test_{}.py"
_RULES = tuple(_MARGIN.format(name) for name in ("fixed", "haircut", "requirements", "account", "properties", "golden"))
"""What the figures of a report are held against; the quick ones first."""
_CURVES = tuple(_MARGIN.format(name) for name in ("curves", "same_figures"))
"""What the quick ways of weighing are held against: the engine itself."""

_ATTEST = "tests/verifier/attest/test_{}.py"
_LIGHT = (
    "tests/hostile/light",
    "tests/hostile/test_ssz_branches.py",
    "tests/verifier/consensus",
    "tests/vectors/test_light_client_spec.py",
)

_EVM = (
    NOTICED.format("evm"),
    "tests/verifier/evm/test_machine.py",
    "tests/verifier/evm/test_rules.py",
    "tests/verifier/evm/test_hostile_code.py",
    "tests/verifier/evm/test_specification.py",
    "tests/verifier/evm/test_recursion.py",
)

_KINDS = (
    "aave_v3", "adaptive_curve", "compound_v3", "erc4626", "figure", "judges", "morpho_blue", "position", "reader",
    "rocket", "steth",
)  # fmt: skip
_POOLS = ("uniswap_v2", "uniswap_v3")
_POSITIONS = (NOTICED.format("positions"), NOTICED.format("lending"))
_DOUBLES = ("tests/hostile/test_one_word.py", "tests/hostile/test_margin.py", "tests/hostile/test_escrows.py")

_BY_PREFIX: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("verifier/codec/cbor.py", _WIRE),
    ("verifier/codec/ssz/", ("tests/verifier/codec/test_ssz.py", *_LIGHT)),
    ("verifier/crypto/bls.py", ("tests/hostile/test_bls.py", "tests/verifier/crypto/test_bls.py")),
    ("verifier/codec/bounded_json.py", ("tests/verifier/codec/test_bounded_json.py",)),
    (
        "verifier/codec/",
        ("tests/verifier/codec", "tests/hostile/test_rlp.py", "tests/hostile/test_storage.py", NOTICED.format("codec")),
    ),
    ("verifier/trie/binary.py", ("tests/hostile/test_ssz_branches.py", "tests/hostile/light")),
    ("verifier/trie/build.py", ("tests/verifier/trie/test_build.py",)),
    ("verifier/trie/", _TRIE),
    ("verifier/headers/", _HEADERS),
    ("verifier/state/tree.py", (*_STATE, "tests/hostile/test_chain_identity.py", *_WHOLE)),
    ("verifier/state/", (*_STATE, "tests/hostile/test_accounts.py", "tests/hostile/test_receipts.py")),
    ("verifier/consensus/weaker.py", ("tests/verifier/consensus", *_WHOLE)),
    ("verifier/consensus/replay.py", ("tests/hostile/test_light_evidence.py", "tests/verifier/test_gather_light.py")),
    ("verifier/consensus/descent.py", ("tests/verifier/consensus/test_descent.py",)),
    ("verifier/consensus/", _LIGHT),
    ("verifier/assets/call.py", ("tests/verifier/assets/test_call.py", NOTICED.format("evm"), *_WHOLE)),
    ("verifier/assets/storage_field.py", ("tests/verifier/assets/test_storage_field.py", *_POSITIONS)),
    *((f"verifier/assets/{n}.py", ("tests/hostile/test_pool_prices.py", *_POSITIONS)) for n in _POOLS),
    ("verifier/assets/find_slot.py", ("tests/verifier/assets/test_find_slot.py",)),
    *((f"verifier/assets/{name}.py", _POSITIONS) for name in _KINDS),
    ("verifier/assets/", (NOTICED.format("assets"), "tests/hostile/test_storage.py", *_WHOLE)),
    ("verifier/positions.py", ("tests/verifier/test_wire_positions.py", *_POSITIONS, *_DOUBLES)),
    ("verifier/margin/duplicates.py", _DOUBLES),
    ("verifier/margin/liquidity.py", ("tests/hostile/test_pool_prices.py",)),
    ("verifier/margin/encumbrance.py", (_MARGIN.format("encumbrance"),)),
    ("verifier/app/compile/positions.py", ("tests/verifier/app/test_compile_positions.py",)),
    ("verifier/prices/", (NOTICED.format("prices"), NOTICED.format("judges"), "tests/verifier/prices")),
    (
        "verifier/settlement/",
        ("tests/verifier/settlement", "tests/hostile/test_settlement.py", "tests/vectors/test_rollups.py"),
    ),
    ("verifier/attest/control.py", (_ATTEST.format("contract_holders"), _ATTEST.format("typed_data"))),
    ("verifier/attest/erc3668.py", (_ATTEST.format("erc3668"),)),
    ("verifier/attest/eip712.py", (_ATTEST.format("typed_data"), "tests/verifier/attest")),
    ("verifier/attest/statement.py", (_ATTEST.format("statement"), "tests/verifier/attest")),
    ("verifier/attest/strict_json.py", (_ATTEST.format("statement"), _ATTEST.format("quorum"))),
    ("verifier/attest/", (_ATTEST.format("quorum"), "tests/verifier/attest")),
    *(
        (f"verifier/merkle/{n}.py", (f"tests/verifier/merkle/test_{n}.py",))
        for n in ("ordered", "sorted_pairs", "ssz", "sums")
    ),
    ("verifier/merkle/", ("tests/verifier/merkle",)),
    *(
        (f"verifier/evm/{name}.py", ("tests/verifier/evm/test_gather.py",))
        for name in ("gather", "known", "look_ahead")
    ),
    ("verifier/evm/", (*_EVM, "tests/verifier/assets/test_call.py")),
    ("verifier/calls.py", _EVM),
    ("verifier/verify_calls.py", (NOTICED.format("evm"), "tests/verifier/assets/test_call.py")),
    ("verifier/wire/", _WIRE),
    ("verifier/shape.py", _WIRE),
    ("verifier/verify/", (*_WHOLE, "tests/hostile/test_chain_identity.py", *_ROOTED)),
    ("verifier/anchors.py", (*_WHOLE, "tests/hostile/test_chain_identity.py", *_ROOTED)),
    ("verifier/checker.py", (*_WHOLE, *_ROOTED)),
    (
        "verifier/gather_light.py",
        (
            "tests/verifier/test_gather_light.py",
            "tests/verifier/consensus/test_descent.py",
            "tests/chains/test_branches.py",
            "tests/chains/test_beacon.py",
        ),
    ),
    ("verifier/gather", (*_WHOLE, NOTICED.format("gather"), *_ROOTED)),
    ("verifier/flow.py", (*_WHOLE, NOTICED.format("gather"))),
    ("verifier/trust.py", (NOTICED.format("trust"), "tests/verifier/consensus", *_WHOLE)),
    ("verifier/policy.py", (NOTICED.format("trust"), *_WHOLE)),
    ("verifier/proven.py", (NOTICED.format("trust"), "tests/typing", *_WHOLE)),
    ("verifier/primitives.py", (NOTICED.format("trust"), "tests/verifier/codec/test_abi.py", *_WIRE, *_WHOLE)),
    ("verifier/margin/fixed.py", _RULES),
    ("verifier/margin/haircut.py", _RULES),
    ("verifier/margin/lines.py", _RULES),
    ("verifier/margin/requirements.py", _RULES),
    ("verifier/margin/risk.py", _RULES),
    ("verifier/margin/status.py", _RULES),
    ("verifier/margin/curves.py", _CURVES[:1]),
    ("verifier/margin/ledger.py", _CURVES),
    ("verifier/margin/ledger_desk.py", _CURVES),
    ("verifier/margin/pool_curve.py", _CURVES),
    ("verifier/margin/liquidation_goal.py", (*_CURVES[:1], _MARGIN.format("liquidation"))),
    ("chains/replies.py", ("tests/chains/test_answers.py", NOTICED.format("answers"))),
    ("chains/answers.py", ("tests/chains/test_answers.py", NOTICED.format("answers"))),
)


def modules() -> list[str]:
    """Every module that decides what is proven."""
    found = {
        path.relative_to(ROOT).as_posix()
        for prefix, _ in _BY_PREFIX
        for path in (ROOT.glob(f"{prefix}*.py") if not prefix.endswith(".py") else [ROOT / prefix])
        if path.is_file()
    }
    return sorted(found)


def tests_of(module: str) -> list[str]:
    """The tests of a module's room, as far as they exist."""
    for prefix, tests in _BY_PREFIX:
        if module.startswith(prefix):
            return [name for name in dict.fromkeys(tests) if (ROOT / name).exists()]
    raise LookupError(module)


DRIVEN = (
    "verifier/assets/__init__.py",
    "verifier/assets/aave_v3.py",
    "verifier/assets/adaptive_curve.py",
    "verifier/assets/compound_v3.py",
    "verifier/assets/erc20.py",
    "verifier/assets/erc4626.py",
    "verifier/assets/figure.py",
    "verifier/assets/find_slot.py",
    "verifier/assets/judges.py",
    "verifier/assets/morpho_blue.py",
    "verifier/assets/native.py",
    "verifier/assets/position.py",
    "verifier/assets/reader.py",
    "verifier/assets/rocket.py",
    "verifier/assets/steth.py",
    "verifier/assets/storage_field.py",
    "verifier/assets/uniswap_v2.py",
    "verifier/assets/uniswap_v3.py",
    "verifier/attest/attestation.py",
    "verifier/attest/control.py",
    "verifier/attest/erc3668.py",
    "verifier/attest/quorum.py",
    "verifier/attest/strict_json.py",
    "verifier/codec/abi.py",
    "verifier/codec/bounded_json.py",
    "verifier/codec/cbor.py",
    "verifier/codec/rlp.py",
    "verifier/consensus/advance.py",
    "verifier/consensus/bootstrap.py",
    "verifier/consensus/committee.py",
    "verifier/consensus/descent.py",
    "verifier/consensus/execution.py",
    "verifier/consensus/history.py",
    "verifier/consensus/light_client.py",
    "verifier/consensus/replay.py",
    "verifier/consensus/sealed.py",
    "verifier/consensus/store.py",
    "verifier/consensus/validate.py",
    "verifier/consensus/weaker.py",
    "verifier/calls.py",
    "verifier/evm/call.py",
    "verifier/evm/environment.py",
    "verifier/evm/gather.py",
    "verifier/evm/known.py",
    "verifier/evm/look_ahead.py",
    "verifier/evm/machine.py",
    "verifier/evm/precompiles.py",
    "verifier/evm/recursion.py",
    "verifier/evm/state.py",
    "verifier/flow.py",
    "verifier/gather.py",
    "verifier/gather_moment.py",
    "verifier/headers/ancestry.py",
    "verifier/headers/as_of.py",
    "verifier/headers/decode.py",
    "verifier/margin/duplicates.py",
    "verifier/margin/liquidity.py",
    "verifier/merkle/absence.py",
    "verifier/merkle/ordered.py",
    "verifier/merkle/sorted_pairs.py",
    "verifier/merkle/ssz.py",
    "verifier/merkle/sums.py",
    "verifier/policy.py",
    "verifier/prices/average.py",
    "verifier/prices/called.py",
    "verifier/prices/chainlink.py",
    "verifier/prices/judges.py",
    "verifier/prices/pyth.py",
    "verifier/prices/rates.py",
    "verifier/prices/sequencer.py",
    "verifier/prices/source.py",
    "verifier/prices/wormhole.py",
    "verifier/primitives.py",
    "verifier/proven.py",
    "verifier/settlement/arbitrum.py",
    "verifier/settlement/checkpoints.py",
    "verifier/settlement/collect.py",
    "verifier/settlement/op_bound.py",
    "verifier/settlement/op_clones.py",
    "verifier/settlement/op_fault.py",
    "verifier/settlement/op_games.py",
    "verifier/settlement/op_judged.py",
    "verifier/settlement/op_output.py",
    "verifier/settlement/op_rivals.py",
    "verifier/settlement/op_rules.py",
    "verifier/settlement/proposed.py",
    "verifier/settlement/reach.py",
    "verifier/settlement/scheme.py",
    "verifier/settlement/scroll.py",
    "verifier/settlement/taiko.py",
    "verifier/shape.py",
    "verifier/state/ethereum.py",
    "verifier/state/lists.py",
    "verifier/state/receipts.py",
    "verifier/state/tree.py",
    "verifier/trie/nibbles.py",
    "verifier/trie/nodes.py",
    "verifier/trie/outlines.py",
    "verifier/trie/table.py",
    "verifier/trie/walk.py",
    "verifier/trust.py",
    "verifier/verify/bundle.py",
    "verifier/verify/claim.py",
    "verifier/verify/meaning.py",
    "verifier/verify/price.py",
    "verifier/verify/section.py",
    "verifier/verify/section_state.py",
    "verifier/verify_calls.py",
    "verifier/wire/encode.py",
    "verifier/wire/envelope.py",
    "verifier/wire/lists.py",
    "verifier/wire/parse.py",
    "verifier/wire/parse_claims.py",
    "verifier/wire/parse_sections.py",
    "chains/answers.py",
    "chains/replies.py",
)
"""
Modules whose mutants were driven to the end once: each was noticed, or stands in `equivalents.py` with its reason. What
later rooms added to them since (light clients and settlement in `verify`, say) is to be driven again.
"""

WHOLE = tuple(
    name
    for name in DRIVEN
    if name.startswith(
        ("verifier/codec/", "verifier/trie/", "verifier/state/", "verifier/assets/", "verifier/evm/", "chains/")
    )
    or name
    in {
        "verifier/calls.py",
        "verifier/flow.py",
        "verifier/headers/ancestry.py",
        "verifier/headers/as_of.py",
        "verifier/primitives.py",
        "verifier/verify_calls.py",
    }
)
"""Those that no later room adds checks to: what every run takes its sample from."""
