"""The beacon API: one endpoint of a beacon chain, what it is asked for light clients, and its answers as objects.

What servers do that the documents do not say, and what is made of it here:

- "not available yet" comes as 500 or 503 as often as 404, and a range of periods that reaches past the newest fails
  whole: the endpoint is not asked again for the same, and the flow asks for less;
- the fork stands beside `data`, in a header, or (octet streams of updates) as a digest before each object;
- some ignore `Accept` and answer JSON: the content type of the answer decides how it is read;
- the genesis is asked for once, and compared: an endpoint of another chain is not used. A liar passes that; signatures
  say which chain this is.

Parsing decides shape here, as everywhere at the rim; the flow's judges prove what is left.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from chains.behaviour import Capacity, EndpointReport, RetryBudget
from chains.bounded import BoundedHttp, Request, Response
from chains.endpoint import Endpoint
from chains.errors import BadAnswer, BeaconRefused, FetchError, TimedOut, WrongBeaconChain, clean
from chains.line import OpenLine
from chains.replies import parse_json
from chains.transport import DEFAULT_RESPONSE_LIMITS, ResponseLimits
from verifier.consensus import parse
from verifier.consensus.containers import BeaconHeader, Update
from verifier.consensus.forks import ConsensusConfig, Fork
from verifier.consensus.questions import (
    AskAttested,
    AskBeaconHeader,
    AskBootstrap,
    AskCanonical,
    AskFinality,
    AskFinalizedRoot,
    AskUpdates,
)
from verifier.consensus.shapes import Kind
from verifier.errors import BadInput, LimitExceeded, VerifierError
from verifier.flow import Ask
from verifier.network import Network
from verifier.primitives import Hash32, hash32, parse_hex, to_hex

T = TypeVar("T")

_JSON: Final = "application/json"
_OCTETS: Final = "application/octet-stream"
_BOTH: Final = f"{_OCTETS}, {_JSON};q=0.9"
_FORK_HEADER: Final = "eth-consensus-version"
_LIGHT: Final = "/eth/v1/beacon/light_client"
_DIGITS: Final = re.compile(r"[0-9]{1,20}", re.ASCII)


@dataclass(slots=True)
class BeaconLine(OpenLine):
    """One beacon endpoint of one network, held open for a run; a desk treats it as it does the others."""

    config: ConsensusConfig
    http: BoundedHttp
    unusable: WrongBeaconChain | None = None
    _identified: bool = False

    def reaches(self, _: Sequence[Ask[object]], /) -> bool:
        """Nothing is known of what a beacon node keeps."""
        return True

    async def answer(self, questions: Sequence[Ask[object]], until: float) -> list[object | FetchError]:
        """
        What the endpoint answers to each question, or why it does not; nothing of it is judged here.

        Args:
            until: When the time is up, on the clock of `time.monotonic`.
        """
        failure = await self._identify(until)
        if failure is not None:
            outcomes: list[object | FetchError] = [failure] * len(questions)
        else:
            outcomes = list(await asyncio.gather(*(self._one(question, until) for question in questions)))
        for outcome in outcomes:
            self.behaviour.note(outcome)
        return outcomes

    async def aclose(self) -> None:
        """Close its connections."""
        await self.http.aclose()

    def report(self) -> EndpointReport:
        """What it was asked and what it did. It may share its name with an endpoint of the network itself."""
        return self.reported(
            self.http.meter,
            name=f"{self.name} (beacon)",
            limits_enforced=True,
            by_hash=True,
            capacity=Capacity(),
            learned=False,
        )

    # --- inside ----------------------------------------------------------------------------------------------

    async def _one(self, question: Ask[object], until: float) -> object | FetchError:
        try:
            return await self._asked(question, until)
        except FetchError as error:
            return error
        except VerifierError as error:
            return BadAnswer(self.name, clean(error))

    async def _asked(self, question: Ask[object], until: float) -> object:
        config = self.config
        match question:
            case AskBootstrap():
                path = f"{_LIGHT}/bootstrap/{to_hex(question.root)}"
                return self._object(await self._get(path, until, _BOTH), Kind.BOOTSTRAP)
            case AskUpdates():
                query = f"start_period={question.start}&count={question.count}"
                got = await self._get(f"{_LIGHT}/updates", until, _BOTH, query)
                found = parse.decode_updates(config, got.body) if _is_octets(got) else self._json_updates(got)
                if not 1 <= len(found) <= question.count:
                    raise BadAnswer(self.name, f"{len(found)} updates where 1 to {question.count} were asked for")
                return found
            case AskFinality():
                return self._object(await self._get(f"{_LIGHT}/finality_update", until, _BOTH), Kind.FINALITY)
            case AskAttested():
                return self._object(await self._get(f"{_LIGHT}/optimistic_update", until, _BOTH), Kind.OPTIMISTIC)
            case AskFinalizedRoot():
                return self._root(await self._get("/eth/v1/beacon/headers/finalized", until, _JSON))
            case AskCanonical():
                return self._canonical(await self._header_of(question.root, until), question.root)
            case AskBeaconHeader():
                return self._header(await self._header_of(question.root, until))
        raise TypeError(f"beacon nodes are not asked {type(question).__name__}")

    def _object(self, got: Response, kind: Kind) -> object:
        """One object, by the content type of the answer."""
        if _is_octets(got):
            fork = self.config.named_fork(got.headers.get(_FORK_HEADER, "none named"))
            return _FROM_OCTETS[kind](self.config, fork, got.body)
        answer = self._json(got, "version", "data")
        return _FROM_JSON[kind](self.config, self._version(answer, got), answer["data"])

    def _json_updates(self, got: Response) -> tuple[Update, ...]:
        answers = parse_json(got.body, self.name)
        # The documents say a list; some servers wrap it once more.
        if isinstance(answers, dict) and isinstance(answers.get("data"), list):
            answers = answers["data"]
        return parse.parse_updates(self.config, answers)

    def _json(self, got: Response, *names: str) -> dict[str, object]:
        answer = parse_json(got.body, self.name)
        if not isinstance(answer, dict) or not {name for name in names if name != "version"} <= answer.keys():
            raise BadAnswer(self.name, f"an answer without {' and '.join(names)}")
        return dict(answer)

    def _version(self, answer: dict[str, object], got: Response) -> object:
        """The fork beside the data; a header that says otherwise makes the answer nonsense."""
        told, header = answer.get("version"), got.headers.get(_FORK_HEADER)
        if told is not None and header is not None and told != header:
            raise BadAnswer(self.name, "two forks for one object")
        return told if told is not None else header

    async def _header_of(self, root: Hash32, until: float) -> Response:
        return await self._get(f"/eth/v1/beacon/headers/{to_hex(root)}", until, _JSON)

    def _header(self, got: Response) -> BeaconHeader:
        data = self._json(got, "data")["data"]
        signed = data.get("header") if isinstance(data, dict) else None
        return parse.parse_beacon_header(self.config, signed.get("message") if isinstance(signed, dict) else None)

    def _root(self, got: Response) -> Hash32:
        data = self._json(got, "data")["data"]
        return self._hash(data.get("root") if isinstance(data, dict) else None)

    def _canonical(self, got: Response, root: Hash32) -> bool:
        data = self._json(got, "data")["data"]
        if not isinstance(data, dict) or self._hash(data.get("root")) != root:
            raise BadAnswer(self.name, "another header than the one asked for")
        return data.get("canonical") is True

    def _hash(self, value: object) -> Hash32:
        try:
            return hash32(parse_hex(value, "root"))
        except BadInput:
            raise BadAnswer(self.name, "a root that is none") from None

    async def _identify(self, until: float) -> FetchError | None:
        """A check for mistakes in the configuration, made once."""
        if self.unusable is not None or self._identified:
            return self.unusable
        try:
            answer = self._json(await self._get("/eth/v1/beacon/genesis", until, _JSON), "data")["data"]
        except FetchError as error:
            return error
        told = answer if isinstance(answer, dict) else {}
        root, at = told.get("genesis_validators_root"), told.get("genesis_time")
        expected = to_hex(self.config.genesis_validators_root)
        same_time = isinstance(at, str) and _DIGITS.fullmatch(at) and int(at) == self.config.genesis_time
        if not (isinstance(root, str) and root.lower() == expected and same_time):
            self.unusable = WrongBeaconChain(self.name, expected, clean(f"{root} at {at}"))
            return self.unusable
        self._identified = True
        return None

    async def _get(self, path: str, until: float, accept: str, query: str = "") -> Response:
        """One GET, repeated where the failure is one that passes."""
        request = Request({"Accept": accept}, path, query)
        async for attempt in self.attempts(until):
            with attempt:
                return await self.in_turn(1, until, lambda left: self.http.send(request, left))
        raise TimedOut(self.name, 0.0)


_FROM_JSON: Final[dict[Kind, Callable[[ConsensusConfig, object, object], object]]] = {
    Kind.BOOTSTRAP: parse.parse_bootstrap,
    Kind.FINALITY: parse.parse_finality_update,
    Kind.OPTIMISTIC: parse.parse_optimistic_update,
}
_FROM_OCTETS: Final[dict[Kind, Callable[[ConsensusConfig, Fork, bytes], object]]] = {
    Kind.BOOTSTRAP: parse.decode_bootstrap,
    Kind.FINALITY: parse.decode_finality_update,
    Kind.OPTIMISTIC: parse.decode_optimistic_update,
}


def _is_octets(got: Response) -> bool:
    return got.headers.get("content-type", "").split(";")[0].strip().lower() == _OCTETS


def explain(name: str) -> Callable[[int, bytes], FetchError | None]:
    """What a beacon node says under a failing status: `message`, beside a code."""

    def read(status: int, body: bytes) -> FetchError | None:
        try:
            said = parse_json(body, name)
        except (FetchError, LimitExceeded):
            return None
        message = said.get("message") if isinstance(said, dict) else None
        return BeaconRefused(name, status, message) if isinstance(message, str) else None

    return read


def open_beacon(
    network: Network,
    config: ConsensusConfig,
    endpoint: Endpoint,
    budget: RetryBudget,
    limits: ResponseLimits | None = None,
) -> BeaconLine:
    """A line to a configured beacon endpoint."""
    return BeaconLine(
        network,
        endpoint.name,
        endpoint.host,
        endpoint.operator,
        config,
        BoundedHttp(endpoint, limits or DEFAULT_RESPONSE_LIMITS, explain(endpoint.name)),
        concurrency=endpoint.concurrency,
        rate=endpoint.rate,
        budget=budget,
    )
