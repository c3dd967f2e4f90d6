"""
Contracts with random storage, written as source: every variable is set by the compiler's own assignments, and what was
set is known.

The path of a value in our language is its place in the source, so one generator writes both.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field


@dataclass
class Source:
    """A contract as it grows: declarations, assignments, and what must be found at which path."""

    rng: random.Random
    declared: list[str] = field(default_factory=list)
    structs: list[str] = field(default_factory=list)
    set: list[str] = field(default_factory=list)
    expected: list[tuple[str, object]] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    described: dict[str, object] = field(default_factory=dict)


def value_of(kind: str, rng: random.Random) -> tuple[object, str]:
    """A random value of a plain Solidity type, biased to the edges, and how it is written."""
    if kind.startswith("uint"):
        top = 2 ** int(kind[4:]) - 1
        found = rng.choice([0, 1, top, rng.randint(0, top)])
        return found, str(found)
    if kind.startswith("int"):
        half = 2 ** (int(kind[3:]) - 1)
        found = rng.choice([-half, half - 1, -1, rng.randint(-half, half - 1)])
        return found, f"{kind}({found})" if found != -half else f"type({kind}).min"
    if kind == "bool":
        found = rng.random() < 0.5
        return found, "true" if found else "false"
    if kind == "address":
        found = rng.randbytes(20)
        return found, f"address(uint160(0x00{found.hex()}))"
    if kind.startswith("bytes"):
        found = rng.randbytes(int(kind[5:]))
        return found, f'{kind}(hex"{found.hex()}")'
    if kind == "Color":
        found = rng.randint(0, 4)
        return found, f"Color({found})"
    found = rng.randint(-(2**47), 2**47 - 1)
    return found, f"Price.wrap({found})"


def text_of(rng: random.Random) -> bytes:
    """A text of a length around the one at which Solidity changes its form."""
    return bytes(
        rng.choice(b"abcdefghijklmnopqrstuvwxyz ") for _ in range(rng.choice([0, 1, 30, 31, 32, 33, 64, 65, 100]))
    )


def solidity_plain(rng: random.Random) -> str:
    sized = [f"uint{8 * rng.randint(1, 32)}", f"int{8 * rng.randint(1, 32)}", f"bytes{rng.randint(1, 32)}"]
    return rng.choice([*sized, "bool", "address", "Color", "uint256", "Price", "uint128", "uint64"])


def solidity_type(made: Source, depth: int) -> str:
    """A random type; structs are declared as they come up."""
    rng = made.rng
    shape = rng.choice(
        ["plain"] * 5 + ["text", "bytes"] + (["map", "array", "fixed", "struct"] * 2 if depth < 3 else [])
    )
    if shape == "plain":
        return solidity_plain(rng)
    if shape in {"text", "bytes"}:
        return "string" if shape == "text" else "bytes"
    if shape == "map":
        key = rng.choice([k for k in [solidity_plain(rng), "address", "uint256", "string", "bytes4"] if k != "Price"])
        return f"mapping({key} => {solidity_type(made, depth + 1)})"
    if shape == "array":
        return f"{solidity_type_unmapped(made, depth + 1)}[]"
    if shape == "fixed":
        return f"{solidity_type_unmapped(made, depth + 1)}[{rng.randint(1, 5)}]"
    members = [(f"m{i}", solidity_type(made, depth + 1)) for i in range(rng.randint(1, 4))]
    name = f"S{len(made.structs)}"
    made.structs.append(f"struct {name} {{ {' '.join(f'{kind} {label};' for label, kind in members)} }}")
    made.described[name] = members
    return name


def solidity_type_unmapped(made: Source, depth: int) -> str:
    """A type that an array may hold: anything here may."""
    return solidity_type(made, depth)


def fill_solidity(made: Source, kind: str, place: str, path: str, depth: int = 0) -> object:
    """Set what lies at a place; returns the value where the whole of it is known and plain."""
    rng = made.rng
    if kind.endswith("[]"):
        count = rng.randint(0, 4)
        made.set.extend([f"{place}.push();"] * count)
        made.expected.append((f"{path}.length", count))
        for index in sorted(rng.sample(range(count), min(count, 2))):
            fill_solidity(made, kind[:-2], f"{place}[{index}]", f"{path}[{index}]", depth + 1)
        made.beyond.append(f"{path}[{count}]") if not kind[:-2].startswith("mapping") and not kind.endswith(
            "][]"
        ) else None
        return None
    if kind.endswith("]"):
        item, _, length = kind[:-1].rpartition("[")
        parts = [fill_solidity(made, item, f"{place}[{i}]", f"{path}[{i}]", depth + 1) for i in range(int(length))]
        return _whole(made, path, tuple(parts), parts)
    if kind.startswith("mapping"):
        key, value = kind[8:-1].split(" => ", 1)
        # Two spellings of one key would set one value twice: keys are told apart as Solidity sees them.
        for written, named in dict(key_of(key, rng) for _ in range(rng.randint(1, 2))).items():
            fill_solidity(made, value, f"{place}[{written}]", f"{path}[{named}]", depth + 1)
        return None
    if kind in made.described:
        members = made.described[kind]
        parts = {
            label: fill_solidity(made, part, f"{place}.{label}", f"{path}.{label}", depth + 1)
            for label, part in members
        }
        return _whole(made, path, parts, list(parts.values()))
    if kind in {"string", "bytes"}:
        data = text_of(rng)
        made.set.append(f'{place} = "{data.decode()}";' if kind == "string" else f'{place} = hex"{data.hex()}";')
        found = data.decode() if kind == "string" else data
    else:
        found, written = value_of(kind, rng)
        made.set.append(f"{place} = {written};")
        path = f"{path} as int48" if kind == "Price" else path
    made.expected.append((path, found))
    return None if kind == "Price" else found


def _whole(made: Source, path: str, value: object, parts: list[object]) -> object:
    if any(part is None for part in parts):
        return None
    made.expected.append((path, value))
    return value


def key_of(kind: str, rng: random.Random) -> tuple[str, str]:
    """A random key of a mapping, as Solidity writes it and as a path does."""
    if kind == "string":
        data = text_of(rng).decode() + rng.choice(["", "x"])
        return f'"{data}"', f'"{data}"'
    value, written = value_of(kind, rng)
    if isinstance(value, bool):
        return written, written
    if isinstance(value, bytes):
        return written, f"0x{value.hex()}"
    return written, hex(value) if rng.random() < 0.3 and value >= 0 else str(value)


def solidity_contract(name: str, seed: int) -> tuple[str, Source]:
    """A contract of two to eight variables, all set by its constructor, some of them inherited."""
    made = Source(random.Random(seed))
    kinds = [(f"v{i}", solidity_type(made, 0)) for i in range(made.rng.randint(2, 8))]
    for label, kind in kinds:
        fill_solidity(made, kind, label, label)
    split = made.rng.randint(0, len(kinds))
    own = [f"{kind} internal {label};" for label, kind in kinds]
    base = f"type Price is int48; enum Color {{ A, B, C, D, E }} {' '.join(made.structs)} {' '.join(own[:split])}"
    text = f"contract {name}Base {{ {base} }}\n"
    text += f"contract {name} is {name}Base {{ {' '.join(own[split:])} constructor() {{ {' '.join(made.set)} }} }}\n"
    return text, made


def vyper_type(made: Source, depth: int) -> str:
    """A random Vyper type that may stand in an array or a struct."""
    rng = made.rng
    shape = rng.choice(["plain"] * 5 + ["text"] + (["dyn", "fixed", "struct"] if depth < 2 else []))
    if shape == "plain":
        sizes = (8, 64, 128, 256)
        return rng.choice(
            [
                f"uint{rng.choice(sizes)}",
                f"int{rng.choice(sizes)}",
                "bool",
                "address",
                f"bytes{rng.choice((4, 20, 32))}",
            ]
        )
    if shape == "text":
        return rng.choice([f"String[{rng.randint(1, 70)}]", f"Bytes[{rng.randint(1, 70)}]"])
    if shape == "dyn":
        return f"DynArray[{vyper_type(made, depth + 1)}, {rng.randint(1, 4)}]"
    if shape == "fixed":
        item = vyper_type(made, depth + 1)
        # Vyper has no fixed arrays of texts.
        return f"{'uint256' if item.startswith(('String', 'Bytes')) else item}[{rng.randint(1, 3)}]"
    members = {f"m{i}": vyper_type(made, depth + 1) for i in range(rng.randint(1, 3))}
    name = f"S{len(made.structs)}"
    made.structs.append("\n".join([f"struct {name}:", *(f"    {label}: {kind}" for label, kind in members.items())]))
    made.described[name] = members
    return name


def vyper_value(made: Source, kind: str, path: str) -> tuple[object, str]:
    """A random value of a type, how it is written, and (noted on the way) what must be found where inside it."""
    rng = made.rng
    fixed = re.fullmatch(r"(.+)\[(\d+)\]", kind)
    if fixed and fixed[1] not in {"String", "Bytes"}:
        parts = [vyper_value(made, fixed[1], f"{path}[{i}]") for i in range(int(fixed[2]))]
        return None, f"[{', '.join(written for _, written in parts)}]"
    if kind.startswith("DynArray["):
        item, _, most = kind[9:-1].rpartition(", ")
        count = rng.randint(1, int(most))
        parts = [vyper_value(made, item, f"{path}[{i}]") for i in range(count)]
        made.expected.append((f"{path}.length", count))
        if count < int(most):
            made.beyond.append(f"{path}[{count}]")
        return None, f"[{', '.join(written for _, written in parts)}]"
    if kind in made.described:
        parts = {label: vyper_value(made, part, f"{path}.{label}") for label, part in made.described[kind].items()}
        return None, f"{kind}({', '.join(f'{label}={written}' for label, (_, written) in parts.items())})"
    value, written = vyper_plain(kind, rng)
    made.expected.append((path, value))
    return value, written


def vyper_plain(kind: str, rng: random.Random) -> tuple[object, str]:
    if kind.startswith(("String", "Bytes")):
        data = bytes(rng.choice(b"abcdefghij") for _ in range(rng.randint(1, int(kind[:-1].rpartition("[")[2]))))
        return (data.decode(), f'"{data.decode()}"') if kind.startswith("String") else (data, f'b"{data.decode()}"')
    if kind == "bool":
        found = rng.random() < 0.5
        return found, str(found)
    if kind == "address":
        from eth_utils import to_checksum_address

        found = rng.randbytes(20)
        return found, to_checksum_address(found)
    if kind.startswith("bytes"):
        found = rng.randbytes(int(kind[5:]))
        # A literal of twenty bytes is an address to Vyper.
        return found, f"convert({_checksum(found)}, bytes20)" if len(found) == 20 else f"0x{found.hex()}"
    value, _ = value_of(kind, rng)
    return value, str(value) if value != -(2**255) else "min_value(int256)"


def _checksum(value: bytes) -> str:
    from eth_utils import to_checksum_address

    return str(to_checksum_address(value))


def vyper_contract(seed: int) -> tuple[str, Source]:
    """A Vyper contract of two to six variables, all set when it is deployed."""
    made = Source(random.Random(seed))
    for i in range(made.rng.randint(2, 6)):
        kind = vyper_type(made, 0)
        if made.rng.random() < 0.4:
            key = made.rng.choice(["address", "uint256", "int128", "bool", "bytes4", "String[20]"])
            value, named = vyper_plain(key, made.rng)
            spelled = f"0x{value.hex()}" if isinstance(value, bytes) else (named.lower() if key == "bool" else named)
            made.declared.append(f"v{i}: HashMap[{key}, {kind}]")
            _, written = vyper_value(made, kind, f"v{i}[{spelled}]")
            made.set.append(f"self.v{i}[{named}] = {written}")
        else:
            made.declared.append(f"v{i}: {kind}")
            _, written = vyper_value(made, kind, f"v{i}")
            made.set.append(f"self.v{i} = {written}")
    text = "\n".join(
        [*made.structs, *made.declared, "@deploy", "def __init__():", *(f"    {line}" for line in made.set)]
    )
    return text + "\n", made
