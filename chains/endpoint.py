"""Where a network is asked, in a form that cannot leak: an endpoint prints as its name, never as its URL.

URLs hold API keys. So the URL and the headers live in one closed box, which prints as "…", does not pickle, and is
opened by `chains/bounded.py` and `chains/foreign.py` alone, at the moment of the request. URLs come from the
configuration and from nowhere else: nothing that a network says becomes an address.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, NoReturn, Protocol, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

from chains.errors import clean
from verifier.errors import BadInput

_HOST: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.ASCII)
_NUMERIC: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)", re.ASCII)
_NAME_LENGTH: Final = 64
_KEY_IN_PATH: Final = 16
"""A path segment of this length is taken for a key."""
_KEY_ELSEWHERE: Final = 8


Kind = Literal["http", "ws", "ipc"]


class Secret:
    """Strings that do not print, compare, copy into a pickle or show among an object's fields."""

    __slots__ = ("_blind", "_open")

    def __init__(self, url: str, headers: Mapping[str, str], *more: str) -> None:
        fixed = MappingProxyType(dict(headers))
        pieces = _pieces(url, fixed, more)
        # A closure: no attribute of this object, at any depth that a printer or debugger walks, is the string itself.
        self._open: Callable[[], tuple[str, Mapping[str, str]]] = lambda: (url, fixed)
        self._blind: Callable[[bytes], bytes] = lambda body: _blinded(body, pieces)

    def reveal(self) -> tuple[str, Mapping[str, str]]:
        """The URL and the headers, for the one request that is being made."""
        return self._open()

    def blind(self, body: bytes) -> bytes:
        """An answer without the key, for servers that repeat it in their messages."""
        return self._blind(body)

    def __repr__(self) -> str:
        return "…"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an endpoint's URL does not leave its process")


class Endpoint:
    """One place where one network is asked.

    Attributes:
        name: The name that the configuration gave it, or its host: all that is ever shown.
        kind: How it is spoken to: "http" by our own bounded provider, "ws" and "ipc" by web3's, whose limits nobody
            enforces.
        host: Lower-case host name or address; "localhost" for a socket in the file system.
        operator: Who runs it. Endpoints of one operator, or on one host, count once in a quorum. The host unless
            told: two hosts of one provider are *not* recognised, so name the operator where a provider has several.
        rate: Requests a second that it takes, or None.
        batch: Calls that one request may hold.
        concurrency: Requests that may be under way at once.
    """

    __slots__ = ("batch", "concurrency", "host", "kind", "name", "operator", "rate", "secret")

    def __init__(
        self,
        url: str,
        *,
        name: str | None = None,
        operator: str | None = None,
        headers: Mapping[str, str] | None = None,
        rate: float | None = None,
        batch: int = 50,
        concurrency: int = 4,
    ) -> None:
        label = self.name = clean(name)[:_NAME_LENGTH] if name else "endpoint"
        self.kind, self.host, self.secret = _checked(url, headers or {}, label)
        self.name = label if name else self.host
        self.operator = clean(operator)[:_NAME_LENGTH] if operator else self.host
        if not 1 <= batch <= 1_000 or not 1 <= concurrency <= 64 or (rate is not None and not 0 < rate <= 10_000):
            raise BadInput(f"endpoint {self.name}", "batch 1..1000, concurrency 1..64, rate 0..10000", "another value")
        self.rate, self.batch, self.concurrency = rate, batch, concurrency

    def __repr__(self) -> str:
        return f"<Endpoint {self.name}>"

    def __str__(self) -> str:
        return self.name

    def __format__(self, spec: str) -> str:
        return format(self.name, spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an endpoint's URL does not leave its process")


class HasOperator(Protocol):
    """What counting operators needs to know of an endpoint."""

    @property
    def host(self) -> str:
        """Where it is."""
        ...

    @property
    def operator(self) -> str:
        """Who runs it."""
        ...


E = TypeVar("E", bound=HasOperator)


def by_operator(endpoints: Iterable[E]) -> dict[str, list[E]]:
    """Endpoints grouped so that no two groups share a host or an operator; each group under its first operator."""
    groups: list[tuple[set[str], list[E]]] = []
    for endpoint in endpoints:
        marks, members = {f"host {one_host(endpoint.host)}", f"operator {endpoint.operator.casefold()}"}, [endpoint]
        apart = []
        for group in groups:
            if group[0] & marks:
                marks, members = marks | group[0], group[1] + members
            else:
                apart.append(group)
        groups = [*apart, (marks, members)]
    return {members[0].operator: members for _, members in groups}


def one_host(host: str) -> str:
    """A host in one spelling: an address in its usual form, and every name and address of this machine as one."""
    name = host.rstrip(".").casefold()
    if not _is_ip(name):
        return "localhost" if name == "localhost" or name.endswith(".localhost") else name
    given = ipaddress.ip_address(name)
    address = getattr(given, "ipv4_mapped", None) or given
    return "localhost" if address.is_loopback or address.is_unspecified else str(address)


def _pieces(url: str, headers: Mapping[str, str], more: Sequence[str]) -> tuple[bytes, ...]:
    """What of a URL and its headers may be a key: long path segments, query values, header values."""
    parts = urlsplit(url)
    found = [*more, *(segment for segment in parts.path.split("/") if len(segment) >= _KEY_IN_PATH)]
    found += [value for pair in parts.query.split("&") for value in pair.split("=")[-1:]]
    found += [word for value in headers.values() for word in value.split()]
    return tuple(sorted({text.encode() for text in found if len(text) >= _KEY_ELSEWHERE}, key=len, reverse=True))


def _blinded(body: bytes, pieces: tuple[bytes, ...]) -> bytes:
    for piece in pieces:
        if piece in body:
            body = body.replace(piece, b"...")
    return body


_KINDS: Final[Mapping[str, Kind]] = {"http": "http", "https": "http", "ws": "ws", "wss": "ws"}
_IN_THE_CLEAR: Final = {"http": "https", "ws": "wss"}
_IPC: Final = "ipc://"


def _checked(url: str, headers: Mapping[str, str], label: str) -> tuple[Kind, str, Secret]:
    """The kind, the host, and the closed box. What is wrong is said without any part of the URL."""
    what = f"endpoint {label}: url"
    if url.startswith(_IPC):
        return "ipc", "localhost", _socket(url.removeprefix(_IPC), headers, what)
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        parts, host, port = None, "", None
    if parts is None or parts.scheme not in _KINDS or not host or any(c.isspace() for c in url):
        # The mistaken text may be a key; nothing of it is shown.
        raise BadInput(what, "an http(s):// or ws(s):// URL with a host, or ipc:///PATH", "something else") from None
    _check_host(host, what)
    sent = {key: value for key, value in headers.items() if _check_header(key, value, label)}
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.username is not None:
        sent["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    netloc = f"[{host}]" if ":" in host else host
    bare = urlunsplit((parts.scheme, f"{netloc}:{port}" if port else netloc, parts.path, parts.query, ""))
    safe = _IN_THE_CLEAR.get(parts.scheme)
    if safe and not _is_near(host) and (sent or parts.query or _has_key(parts.path.split("/"))):
        raise BadInput(what, f"{safe}:// where a key is part of it", f"{parts.scheme}:// to another machine")
    return _KINDS[parts.scheme], host, Secret(bare, sent, user, password)


def _socket(path: str, headers: Mapping[str, str], what: str) -> Secret:
    """A node's socket in the file system; there is nothing to be sent along."""
    if not path.startswith("/") or "\0" in path or headers:
        raise BadInput(what, "ipc:// and an absolute path, without headers", "something else")
    return Secret(path, {})


def _check_host(host: str, what: str) -> None:
    if _is_ip(host):
        return
    # "2130706433" or "0x7f.1" are addresses to a resolver and names to a reader: neither is taken.
    if _HOST.fullmatch(host) is None or _NUMERIC.fullmatch(host.rsplit(".", 1)[-1]):
        raise BadInput(what, "a host name, or an IP address in its usual form", "another spelling")


def _check_header(key: str, value: str, label: str) -> bool:
    if not key.isascii() or not key.replace("-", "").isalnum() or any(ord(c) < 32 or ord(c) > 126 for c in value):
        raise BadInput(f"endpoint {label}: headers", "printable header names and values", "something else")
    return True


def _has_key(segments: Sequence[str]) -> bool:
    return any(len(segment) >= _KEY_IN_PATH for segment in segments)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_near(host: str) -> bool:
    """Whether the name itself says that it is this machine or a private network."""
    if _is_ip(host):
        return ipaddress.ip_address(host).is_private
    return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa"))
