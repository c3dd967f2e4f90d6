"""Keys: the only code that sees a secret one. It signs statements, and nothing that it is merely handed.

A key comes from an encrypted keystore file, from the environment, or stays with a remote signer that is asked over HTTP
for `eth_signTypedData_v4`. What comes back is believed no more than anything else: the signer is recovered from it.
Local signatures have deterministic nonces (RFC 6979). A signer takes the whole statement, never a bare hash, so what it
signs is always a statement in its own domain. Keys print as "…", do not pickle, and stand in no message.

BLS keys have no keystore here: a file of mode 0600 or the environment. The backends do not promise constant time.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, cast

from verifier.app.errors import SignerFailed, UsageError
from verifier.attest.eip712 import STATEMENT, domain_of, recover_typed, statement_digest, statement_value, typed_data
from verifier.attest.statement import Statement
from verifier.codec import bounded_json
from verifier.errors import VerifierError
from verifier.primitives import Address, address, parse_hex, to_hex

if TYPE_CHECKING:
    from chains.endpoint import Endpoint

PASSWORD: Final = "XMARGIN_KEYSTORE_PASSWORD"  # noqa: S105 - the name of a variable
SECONDS: Final = 15.0
_KEY: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)
_FORMS: Final = "keystore:FILE, env:VARIABLE, remote:0xADDRESS=URL_VARIABLE, bls-file:FILE or bls-env:VARIABLE"


class _Box:
    """A secret that does not print, pickle or show among an object's fields."""

    __slots__ = ("open",)

    def __init__(self, secret: bytes) -> None:
        self.open: Callable[[], bytes] = lambda: secret

    def __repr__(self) -> str:
        return "…"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key does not leave its process")


class LocalSigner:
    """A key in this process."""

    def __init__(self, key: bytes, origin: str) -> None:
        from eth_keys.datatypes import PrivateKey

        self._box = _Box(key)
        try:
            found = PrivateKey(key).public_key.to_canonical_address()
        except Exception:  # noqa: BLE001 - the library's errors may show the key
            found = None
        if found is None:
            raise UsageError(f"{origin} holds no private key of secp256k1", "a key is 64 hex digits, and not zero")
        self.address = address(found)

    def __repr__(self) -> str:
        return f"<LocalSigner {to_hex(self.address)}>"

    def sign(self, made: Statement) -> bytes:
        """The signature over a statement, by RFC 6979."""
        from eth_keys.datatypes import PrivateKey  # eth_account, which signs by it, takes three times as long to load

        digest = statement_digest(made)
        raw = PrivateKey(self._box.open()).sign_msg_hash(digest).to_bytes()
        signature = raw[:64] + bytes([27 + raw[64]])
        recover_typed(digest, signature, self.address)
        return signature


class RemoteSigner:
    """A key elsewhere, asked for typed-data signatures over JSON-RPC."""

    def __init__(self, endpoint: Endpoint, whose: Address) -> None:
        self._endpoint, self.address = endpoint, whose

    def __repr__(self) -> str:
        return f"<RemoteSigner {to_hex(self.address)} at {self._endpoint.name}>"

    def sign(self, made: Statement) -> bytes:
        """
        The signature that the remote signer gives.

        Raises:
            SignerFailed: It did not answer, refused, or answered with something else than this key's signature.
        """
        document = typed_data(domain_of(made.binding), STATEMENT, "Statement", statement_value(made))
        answer = asyncio.run(self._ask(document))
        try:
            signature = parse_hex(answer, "signature")
            recover_typed(statement_digest(made), signature, self.address)
        except VerifierError as error:
            raise SignerFailed(self._endpoint.name, f"its answer is not the signature asked for: {error}") from None
        return signature

    async def _ask(self, document: dict[str, object]) -> object:
        from chains.errors import FetchError
        from chains.execution import BoundedRpc
        from chains.replies import Call, Json

        provider = BoundedRpc(self._endpoint)
        params = (to_hex(self.address), cast("Json", document))
        try:
            (reply,) = await provider.exchange([Call("eth_signTypedData_v4", params)], SECONDS)
        except FetchError as error:
            reply = error
        finally:
            await provider.aclose()
        if isinstance(reply, FetchError):
            raise SignerFailed(self._endpoint.name, reply.reason)
        return reply


class BlsSigner:
    """A BLS key in this process."""

    def __init__(self, secret: bytes, origin: str) -> None:
        from verifier.crypto.bls import ORDER, default_scheme

        number = int.from_bytes(secret, "big")
        if not 1 <= number < ORDER:
            raise UsageError(f"{origin} holds no BLS key", "a key is a number from 1 to the order of the group, in hex")
        self._box, self.key = _Box(secret), default_scheme().public_key(number).raw

    def __repr__(self) -> str:
        return f"<BlsSigner {to_hex(self.key)}>"

    def sign(self, made: Statement) -> bytes:
        """The 96 bytes over a statement's digest."""
        from verifier.crypto.bls import default_scheme

        return default_scheme().sign(int.from_bytes(self._box.open(), "big"), statement_digest(made))

    def possession(self) -> bytes:
        """The proof that this key's owner holds it, for whoever makes a set."""
        from verifier.crypto.bls import default_scheme

        return default_scheme().pop_prove(int.from_bytes(self._box.open(), "big"))


AnySigner = LocalSigner | RemoteSigner | BlsSigner


def open_signer(text: str, environ: Mapping[str, str]) -> AnySigner:
    """
    The signer that a configuration names. No form holds a key itself: what is typed ends in histories and logs.

    Raises:
        UsageError: Not one of the forms, a file that others may read, a wrong password, or no key.
    """
    kind, _, rest = text.partition(":")
    if kind == "keystore" and rest:
        return LocalSigner(_from_keystore(Path(rest), environ), f"the keystore {Path(rest).name}")
    if kind == "env" and rest:
        return LocalSigner(_from_environment(rest, environ), f"the variable {rest}")
    if kind == "remote" and "=" in rest:
        return _remote(rest, environ)
    if kind == "bls-env" and rest:
        return BlsSigner(_from_environment(rest, environ), f"the variable {rest}")
    if kind == "bls-file" and rest:
        path = Path(rest)
        return BlsSigner(_hex_key(_read_private(path).strip(), f"the file {path.name}"), f"the file {path.name}")
    shown = kind if kind in {"keystore", "env", "remote", "bls-env", "bls-file"} else "what was given"
    raise UsageError(f"no signer: {shown} is not one of the forms", f"write {_FORMS}")


def signer_name(signer: AnySigner) -> str:
    """What identifies a signer: its address, or its public key."""
    return to_hex(signer.key if isinstance(signer, BlsSigner) else signer.address)


def _from_environment(name: str, environ: Mapping[str, str]) -> bytes:
    if not environ.get(name):
        raise UsageError(f"the variable {name} is not set", "set it in the environment of this program alone")
    return _hex_key(environ[name].strip(), f"the variable {name}")


def _hex_key(text: str, origin: str) -> bytes:
    found = _KEY.fullmatch(text)
    if found is None:
        raise UsageError(f"{origin} holds no key", "a key is 64 hex digits")
    return bytes.fromhex(found[1])


def _from_keystore(path: Path, environ: Mapping[str, str]) -> bytes:
    from eth_account import Account

    password = environ.get(PASSWORD)
    if password is None and environ.get(f"{PASSWORD}_FILE"):
        password = _read_private(Path(environ[f"{PASSWORD}_FILE"])).rstrip("\r\n")
    if password is None:
        raise UsageError(f"the keystore {path.name} needs a password", f"set {PASSWORD}, or {PASSWORD}_FILE")
    text = _read_private(path)
    try:
        kept = bounded_json.loads(text)
        return bytes(Account.decrypt(kept if isinstance(kept, dict) else {}, password))
    except (ValueError, TypeError, KeyError, RecursionError):
        pass  # the library's message may quote what it was given
    raise UsageError(
        f"the keystore {path.name} does not open", "is the password right, and is it a version 3 keystore?"
    )


def _read_private(path: Path) -> str:
    """The text of a file that nobody else may read."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(1 << 16)
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise UsageError(f"{path.name} can be read by others", f"run: chmod 600 {path.name}")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is no text") from None


def _remote(rest: str, environ: Mapping[str, str]) -> RemoteSigner:
    from chains.endpoint import Endpoint

    whose, _, variable = rest.partition("=")
    url = environ.get(variable)
    if not url:
        raise UsageError(f"the variable {variable} is not set", "it holds the URL of the remote signer")
    try:
        return RemoteSigner(Endpoint(url, name="remote signer"), address(parse_hex(whose.lower(), "signer")))
    except VerifierError as error:
        raise UsageError(f"no signer: {error}", f"write {_FORMS}") from None
