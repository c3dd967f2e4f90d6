"""Storage layouts: what Solidity and Vyper put into storage themselves is found at the path their source writes, and nothing else is taken."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.nodes.process import post
from tests.nodes.protocols.build import compiled
from tests.verifier.codec.random_layouts import solidity_contract, vyper_contract
from verifier.codec.storage_layout import decode, parse_layout, resolve, wanted
from verifier.errors import BadInput, LimitExceeded, MalformedWord, NotThere, Where
from verifier.primitives import slot_key, word

BATCH = 24


@pytest.fixture(scope="module")
def layout_chain(anvil_factory):
    node = anvil_factory(chain_id=31341)
    node.rpc("evm_setAutomine", False)
    return node


def words_of(node, address, slots):
    """The words at slots, in one request."""
    asked = [
        {"jsonrpc": "2.0", "id": i, "method": "eth_getStorageAt", "params": [address, f"0x{slot.hex()}", "latest"]}
        for i, slot in enumerate(slots)
    ]
    answers = {answer["id"]: answer["result"] for answer in post(node.url, asked)} if asked else {}
    return {slot: word(int(answers[i], 16)) for i, slot in enumerate(slots)}


def found_at(node, address, layout, paths):
    """Values by path: all first words in one request, then what the texts among them still need."""
    places, known = {path: resolve(layout, path) for path in paths}, {}
    for _ in range(3):
        missing = dict.fromkeys(slot for place in places.values() for slot in wanted(layout, place, known))
        if not missing:
            break
        known |= words_of(node, address, list(missing))
    return places, known


def check(node, address, layout, made):
    places, known = found_at(node, address, layout, [path for path, _ in made.expected] + made.beyond)
    for path, value in made.expected:
        assert decode(layout, places[path], known.__getitem__, Where()) == value, path
    for path in made.beyond:
        with pytest.raises(NotThere, match="of an array of"):
            decode(layout, places[path], lambda slot: known.get(slot, word(0)), Where())


def deploy_all(node, codes):
    """Deploy many contracts in few blocks; addresses in order."""
    sender = node.accounts[0]
    asked = [
        {
            "jsonrpc": "2.0",
            "id": i,
            "method": "eth_sendTransaction",
            "params": [{"from": sender, "data": code, "gas": "0x7a1200"}],
        }
        for i, code in enumerate(codes)
    ]
    hashes = {answer["id"]: answer["result"] for answer in post(node.url, asked, timeout=120)}
    while int(node.rpc("eth_getBlockTransactionCountByNumber", "pending"), 16):
        node.mine()
    receipts = [node.receipt(hashes[i]) for i in range(len(codes))]
    return [receipt["contractAddress"] for receipt in receipts]


def solidity_batch(node, seed):
    drawn = [solidity_contract(f"C{i}", seed * 1_000 + i) for i in range(BATCH)]
    source = "// SPDX-License-Identifier: Apache-2.0\npragma solidity ^0.8.20;\n" + "".join(text for text, _ in drawn)
    made = compiled("layouts", {"Layouts.sol": source}, optimizer={"enabled": False})
    addresses = deploy_all(node, [f"0x{made[f'C{i}'].bytecode}" for i in range(BATCH)])
    for i, (_, source_made) in enumerate(drawn):
        check(node, addresses[i], parse_layout(made[f"C{i}"].layout), source_made)


VYPER = """
import json, sys, warnings
warnings.simplefilter("ignore")
from vyper import compile_code
from vyper.compiler.settings import Settings
for text in json.load(sys.stdin):
    made = compile_code(text, output_formats=["bytecode", "layout"], settings=Settings(evm_version="prague"))
    print(json.dumps([made["bytecode"], made["layout"]]))
"""


def vyper_batch(node, seed, count):
    drawn = [vyper_contract(seed * 1_000 + i) for i in range(count)]
    sent = json.dumps([text for text, _ in drawn])
    done = subprocess.run(
        [sys.executable, "-c", VYPER], input=sent, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    made = [json.loads(line) for line in done.stdout.splitlines()]
    addresses = deploy_all(node, [code for code, _ in made])
    for address, (_, layout), (_, source) in zip(addresses, made, drawn, strict=True):
        check(node, address, parse_layout(layout | {"types": source.described}), source)


@pytest.mark.covers("STO-02", "STO-05", "STO-06")
def test_random_solidity_layouts(layout_chain):
    """A sample of random contracts: every value that Solidity stored is found at its path, to the bit."""
    solidity_batch(layout_chain, 7)


@pytest.mark.covers("STO-02", "STO-03", "STO-06")
def test_random_vyper_layouts(layout_chain):
    """A sample of random contracts: every value that Vyper stored is found at its path."""
    vyper_batch(layout_chain, 7, 8)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 122))
def test_many_solidity_layouts(layout_chain, seed):
    """528 random Solidity contracts."""
    solidity_batch(layout_chain, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 108))
def test_many_vyper_layouts(layout_chain, seed):
    """192 random Vyper contracts."""
    vyper_batch(layout_chain, seed, 24)


def plain(kind, size, encoding="inplace", **more):
    return {"encoding": encoding, "label": kind, "numberOfBytes": str(size), **more}


def layout_of(types, **variables):
    storage = [
        {"astId": 1, "contract": "A.sol:A", "label": name, "offset": offset, "slot": str(slot), "type": kind}
        for name, (slot, offset, kind) in variables.items()
    ]
    return {"storage": storage, "types": types}


WORD = plain("uint256", 32)
SIMPLE = layout_of(
    {
        "t_uint256": WORD,
        "t_bool": plain("bool", 1),
        "t_string_storage": plain("string", 32, "bytes"),
        "t_address": plain("address", 20),
    }
    | {"t_map": plain("m", 32, "mapping", key="t_address", value="t_uint256")},
    number=(0, 0, "t_uint256"),
    flag=(1, 20, "t_bool"),
    owner=(1, 0, "t_address"),
    name=(2, 0, "t_string_storage"),
    balances=(3, 0, "t_map"),
)


def read_words(**words):
    return {slot_key(int(name[1:])): word(value) for name, value in words.items()}


def value_at(document, path, words):
    layout = parse_layout(document)
    return decode(layout, resolve(layout, path), lambda slot: words.get(slot, word(0)), Where())


def test_packed_neighbours_are_not_mistaken():
    """Two fields of one word are each read from their own end."""
    words = read_words(s1=(1 << 160) | 0xABCDEF)
    assert value_at(SIMPLE, "flag", words) is True
    assert value_at(SIMPLE, "owner", words) == bytes(17) + b"\xab\xcd\xef"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "one of the layout's variables"),
        ("nothing", "one of the layout's variables"),
        ("numbers", "one of the layout's variables"),
        ("number.x", "a member of t_uint256"),
        ("number[0]", "a mapping or an array"),
        ("balances", "a \\[key\\] after a mapping"),
        ("balances[7]", "even number of hex digits"),
        ("balances[0x1234]", "20 bytes as address key"),
        ("balances[0x" + "11" * 20 + "", "a .member or a"),
        ("owner as address", "user-defined value"),
        ("flag as uint8", "user-defined value"),
    ],
)
def test_a_path_that_is_not_of_the_layout_is_refused(path, said):
    """A path that the layout does not have says what is due instead."""
    with pytest.raises(BadInput, match=said):
        value_at(SIMPLE, path, {})


def test_an_overlong_path_is_refused_before_it_is_read():
    """A path has a limit."""
    with pytest.raises(LimitExceeded, match="letters in a storage path"):
        resolve(parse_layout(SIMPLE), "balances" + "[0]" * 1_000)


@pytest.mark.parametrize(
    ("words", "path", "said"),
    [
        (read_words(s1=2 << 160), "flag", "a bool is 0 or 1"),
        (read_words(s2=2 * 31 + 1), "name", "less than 32 bytes"),
        (read_words(s2=(1 << 8) | (2 * 3)), "name", "zeros after it"),
        (read_words(s2=2 * 32), "name", "at most 31 bytes"),
        (read_words(s2=(0xFF << 248) | 2), "name", "UTF-8 is due"),
    ],
)
def test_words_that_the_compiler_would_not_write_are_refused(words, path, said):
    """A word that cannot hold the type shows that the layout is another contract's."""
    with pytest.raises(MalformedWord, match=said):
        value_at(SIMPLE, path, words)


def test_a_huge_text_is_refused_before_it_is_read():
    """A length of 2^200 asks for no words."""
    with pytest.raises(LimitExceeded, match="bytes of one storage value"):
        value_at(SIMPLE, "name", read_words(s2=(2**200 << 1) | 1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["types"].pop("t_uint256"), "types that it describes"),
        (lambda d: d["types"]["t_uint256"].update(numberOfBytes="31"), "the width that its name says"),
        (lambda d: d["types"]["t_uint256"].update(encoding="other"), "an encoding that solc knows"),
        (lambda d: d["types"]["t_bool"].update(numberOfBytes="2"), "a width that its family has"),
        (lambda d: d["types"].update(t_odd=plain("odd", 1)), "one of the types that solc lays out"),
        (lambda d: d["storage"][0].update(slot="0x0"), "a decimal number as text"),
        (lambda d: d["storage"][1].update(offset=32), "a byte of its word"),
        (lambda d: d["storage"][2].update(offset=13), "a place inside its word"),
        (lambda d: d["storage"][3].update(offset=1), "a place inside its word"),
        (lambda d: d["types"]["t_map"].update(key="t_map"), "keys that can be hashed"),
        (lambda d: d.update(storage={}), "a list"),
        (lambda d: d["types"].update({"t_array(t_uint256)3_storage": plain("a", 64, base="t_uint256")}), "96 bytes"),
        (
            lambda d: d["types"].update(
                t_struct=plain("s", 32, members=[{"label": "x", "slot": "1", "offset": 0, "type": "t_uint256"}])
            ),
            "a place inside its struct",
        ),
    ],
)
def test_a_layout_that_contradicts_itself_is_refused(change, said):
    """One thing changed in a good layout, and it is none."""
    document = json.loads(json.dumps(SIMPLE))
    parse_layout(document)
    change(document)
    with pytest.raises(BadInput, match=said):
        parse_layout(document)


def test_a_namespace_shifts_the_layout():
    """With an ERC-7201 namespace slots count from its root, as OpenZeppelin's upgradeable contracts have them."""
    place = resolve(parse_layout(SIMPLE), "erc7201:openzeppelin.storage.ERC20::number")
    assert place.slot == 0x52C63247E1F47DB19D5CE0460030C497F067CA4CEBF71BA98EEADABE20BACE00


def test_a_struct_that_holds_itself_ends():
    """A layout whose struct claims to hold itself in place is refused when read, not followed for ever."""
    member = {"label": "x", "slot": "0", "offset": 0, "type": "t_struct"}
    document = layout_of({"t_struct": plain("s", 32, members=[member])}, s=(0, 0, "t_struct"))
    with pytest.raises(LimitExceeded, match="within one another"):
        value_at(document, "s", {})


def test_two_variables_of_one_name_need_their_contract():
    """Private variables of two contracts may share a name: the path must say whose."""
    document = json.loads(json.dumps(SIMPLE))
    document["storage"].append(
        {"contract": "B.sol:B", "label": "number", "offset": 0, "slot": "9", "type": "t_uint256"}
    )
    with pytest.raises(BadInput, match="several contracts"):
        resolve(parse_layout(document), "number")
    assert resolve(parse_layout(document), "B.number").slot == 9


def test_vyper_layouts_describe_their_structs():
    """A Vyper struct that is described wrongly, or not at all, is refused: its variable takes other slots."""
    layout = {
        "storage_layout": {"v": {"type": "S", "n_slots": 3, "slot": 0}},
        "types": {"S": {"a": "uint256", "b": "String[32]"}},
    }
    assert resolve(parse_layout(layout), "v.b").slot == 1
    with pytest.raises(BadInput, match="2 slots for S"):
        parse_layout(layout | {"types": {"S": {"a": "uint256", "b": "address"}}})
    with pytest.raises(BadInput, match="described under types"):
        parse_layout({"storage_layout": layout["storage_layout"]})
