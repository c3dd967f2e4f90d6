"""Machine output: one JSON object with `schema` and `version`. docs/schema has a JSON Schema of each.

Amounts are decimal text, hex is lower case with 0x, times are RFC 3339 beside unix seconds. Within a version keys are
only added. Text from outside is escaped here too, for someone will print it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from chains.behaviour import EndpointReport
from chains.errors import FetchError
from chains.probe import Capability
from verifier._version import __version__
from verifier.app.errors import AppError, ConfigError
from verifier.app.findings import Findings
from verifier.app.kept import KeptAmount, kept_amount
from verifier.app.quantities import rfc3339
from verifier.app.report.escape import clean
from verifier.errors import VerifierError
from verifier.flow import Unanswered
from verifier.margin.as_json import to_json as margin_json
from verifier.margin.fixed import show_scaled
from verifier.positions import Position
from verifier.primitives import Address, to_hex
from verifier.proven import (
    Proven,
    ProvenAccount,
    ProvenAmount,
    ProvenBeacon,
    ProvenCall,
    ProvenHeader,
    ProvenPrice,
    ProvenRoot,
    ProvenSettlement,
    ProvenWord,
    SignedPrice,
    trail,
)
from verifier.trust import Checkpoint, Observed, PinnedBlock, TrustRoot
from verifier.verify import Outcome, PriceOutcome, PriceRefusal, Refusal

VERSION = 1
Json = dict[str, object]


def dumps(value: Mapping[str, object]) -> str:
    """The text that goes to stdout: one object, keys in the order of the schema, no floats."""
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)


def head(name: str) -> Json:
    """What every output begins with."""
    return {"schema": f"xmargin/{name}", "version": VERSION, "tool_version": __version__}


def time_json(at: int) -> Json:
    """A time in both forms."""
    return {"unix": at, "utc": rfc3339(at)}


def findings_json(found: Findings, *, trails: bool = False) -> Json:
    """What verify, gather, check and explain say."""
    holders = found.holders or {}
    return {
        **head("run"),
        "command": found.command,
        "account": found.account,
        "status": "incomplete" if found.report is None and found.exit_code else _status(found),
        "exit_code": int(found.exit_code),
        "exit_codes": [int(code) for code in found.codes],
        "now": time_json(found.now),
        "as_of": time_json(found.as_of),
        "bundle_id": to_hex(found.bundle_id),
        "policy": found.policy.name,
        "trust_roots": [root_json(root) for root in found.roots],
        "claims": [_claim(i, o, found, holders, trails=trails) for i, o in enumerate(found.outcomes)],
        "strangers": [_claim(i, o, found, holders, trails=False) for i, o in enumerate(found.strangers)],
        "settled_floor": [_claim(i, o, found, holders, trails=False) for i, o in found.floor.items()],
        "fresh": [_claim(i, o, found, holders, trails=False) for i, o in found.fresh.items()],
        "prices": [_price(price, found, trails=trails) for price in found.prices],
        "endpoints": [endpoint_json(report) for report in found.endpoints],
        "margin": None if found.report is None else margin_json(found.report),
        "notes": [clean(note) for note in found.notes],
    }


def _status(found: Findings) -> str:
    return "verified" if found.report is None else found.report.status.value


def _claim(index: int, outcome: Outcome, found: Findings, holders: Mapping[Address, str], *, trails: bool) -> Json:
    row = kept_amount(index, outcome, found.networks)
    made: Json = {
        "index": index,
        "status": row.verdict,
        "network": row.network,
        "chain_id": row.chain_id,
        "holder": row.holder,
        "holder_name": holders.get(outcome.claim.holder),
        "kind": row.kind,
        "symbol": row.symbol,
        "group": row.asset_group,
        "contract": row.contract,
        "decimals": row.decimals,
        "source": row.source,
        "position": _position(outcome.claim.reading),
        "amount": None if row.amount is None else str(row.amount),
        "block": _block(row),
        "moment": row.moment,
        "trust": _trust(outcome),
        "refusal": refusal_json(outcome) if isinstance(outcome, Refusal) else None,
    }
    if trails:
        made["trail"] = list(trail_json(outcome)) if isinstance(outcome, ProvenAmount) else []
    return made


def _price(outcome: PriceOutcome, found: Findings, *, trails: bool) -> Json:
    claim = outcome.claim
    network = found.networks.get(claim.chain_id)
    made: Json = {
        "status": _price_status(outcome),
        "group": claim.group,
        "quote": claim.quote,
        "network": f"chain {claim.chain_id}" if network is None else network.name,
        "chain_id": claim.chain_id,
        "contract": to_hex(claim.contract),
        "source": claim.how.kind.value,
    }
    if trails:
        made["trail"] = [] if isinstance(outcome, PriceRefusal) else list(trail_json(outcome))
    if isinstance(outcome, PriceRefusal):
        error = outcome.error
        sort = error.refusal_class if isinstance(error, VerifierError) else "TRANSPORT"
        refusal = {"error": type(error).__name__, "class": sort, "message": clean(str(error))}
        return {**made, "price": None, "at": None, "trust": None, "refusal": refusal}
    made |= {"price": show_scaled(outcome.price), "at": time_json(outcome.at), "trust": outcome.trust.word}
    if isinstance(outcome, SignedPrice):
        signed = {"set": outcome.number, "of": outcome.size, "by": [to_hex(signer) for signer in outcome.signed_by]}
        made |= {"interval": show_scaled(outcome.interval), "signers": signed}
    return {**made, "refusal": None}


def _price_status(outcome: PriceOutcome) -> str:
    if isinstance(outcome, PriceRefusal):
        return "refused"
    return "signed" if isinstance(outcome, SignedPrice) else "proven"


def _position(reading: object) -> Json | None:
    if not isinstance(reading, Position):
        return None
    given = {name: to_hex(value) if isinstance(value, bytes) else str(value) for name, value in reading.given}
    return {"kind": reading.kind.value, "with": {name: clean(value) for name, value in given.items()}}


def _block(row: KeptAmount) -> Json | None:
    if row.block_number is None or row.block_time is None:
        return None
    return {"number": row.block_number, "hash": row.block_hash, "time": time_json(row.block_time)}


def _trust(outcome: Outcome) -> Json | None:
    if isinstance(outcome, Refusal):
        return None
    trust = outcome.trust
    return {
        "word": trust.word,
        "anchor": trust.anchor.value,
        "settlement": None if trust.settlement is None else trust.settlement.value,
        "bases": sorted(basis.value for basis in trust.bases),
        "participation_ppm": trust.participation,
    }


def refusal_json(refusal: Refusal) -> Json:
    """Why there is no figure: the error's name, class, sentence, and what to do."""
    return failure_json(refusal.error)


def failure_json(error: VerifierError | Unanswered) -> Json:
    """An error as every output shows it."""
    return {
        "error": type(error).__name__,
        "class": error.refusal_class if isinstance(error, VerifierError) else "TRANSPORT",
        "message": clean(str(error)),
        "remedy": error.remedy if isinstance(error, VerifierError) else "try again, or add an endpoint",
        "lied": isinstance(error, Unanswered) and error.lied,
    }


def root_json(root: TrustRoot) -> Json:
    """A trust root, without anything it was not given as."""
    named = root.root if isinstance(root, Checkpoint) else root.hash
    made: Json = {"chain_id": root.chain_id, "hash": to_hex(named)}
    match root:
        case Checkpoint():
            return {"kind": "checkpoint", **made, "operators": sorted(clean(o) for o in root.operators)}
        case PinnedBlock():
            return {"kind": "pinned", **made, "operators": []}
        case Observed():
            return {"kind": root.anchor.value, **made, "operators": sorted(clean(o) for o in root.operators)}


def endpoint_json(report: EndpointReport) -> Json:
    """What an endpoint did, without its URL."""
    error = report.first_lie or report.last_failure
    return {
        "name": clean(report.name),
        "operator": clean(report.operator),
        "chain_id": report.chain_id,
        "status": "lied" if report.lied else "failed" if report.failed and not report.served else "served",
        "served": report.served,
        "failed": report.failed,
        "lied": report.lied,
        "latency_ms": report.latency_ms,
        "limits_enforced": report.limits_enforced,
        "error": None if error is None else clean(error),
    }


def capability_json(found: Capability) -> Json:
    """What a probe found of one endpoint."""
    stated = {} if found.stated is None else {clean(key): clean(value) for key, value in found.stated.items()}
    return {
        "endpoint": clean(found.endpoint),
        "height": found.height,
        "latency_ms": found.latency_ms,
        "proofs": found.proofs,
        "by_hash": found.by_hash,
        "window": found.window,
        "oldest_stated": found.oldest,
        "batch": found.batch,
        "keys": found.keys,
        "client": None if found.client is None else clean(found.client),
        "stated": stated,
        "limits_enforced": found.limits_enforced,
        "problems": {clean(what): clean(why) for what, why in found.problems.items()},
    }


def call_json(call: ProvenCall) -> Json:
    """A call and what it rests on: every account and word that it read, and the code that ran."""
    asked = call.call
    return {
        "step": "call",
        "to": to_hex(asked.to),
        "sender": to_hex(asked.sender),
        "data": to_hex(asked.data),
        "gas": asked.gas,
        "ended": call.ended.value,
        "halted": call.halted,
        "output": to_hex(call.output),
        "steps": call.steps,
        "codes": {to_hex(address): to_hex(code_hash) for address, code_hash in sorted(call.code_hashes.items())},
        "reads": [step_json(read) | _read_of(read) for read in call.reads],
    }


def _read_of(read: ProvenAccount | ProvenWord) -> Json:
    return {"of": to_hex(read.rests_on.address)} if isinstance(read, ProvenWord) else {}


def trail_json(figure: ProvenAmount | ProvenPrice | SignedPrice) -> Iterator[Json]:
    """From the trust root down to the figure."""
    for step in reversed(tuple(trail(figure))):
        yield step_json(step)
    for extra in figure.bound_by:
        yield {**step_json(extra), "role": "code"}


def step_json(step: Proven | TrustRoot) -> Json:
    """One step of a trail."""
    match step:
        case ProvenHeader():
            facts: Json = {"number": step.number, "hash": to_hex(step.hash), "time": time_json(step.timestamp)}
            return {"step": "header", "network": step.network.name, **facts}
        case ProvenBeacon():
            signed = {"signers": step.signers, "committee": step.committee}
            return {"step": "beacon-header", "slot": step.slot, "hash": to_hex(step.root), **signed}
        case ProvenSettlement():
            return {
                "step": "settlement",
                "network": step.network.name,
                "scheme": step.scheme,
                "settlement": step.settlement.value,
                "entry": step.entry,
                "root": to_hex(step.root),
                "since": None if step.since is None else int(step.since),
                "open_points": list(step.open_points),
                "shown": list(step.shown),
            }
        case ProvenRoot():
            return {"step": "state-root", "hash": to_hex(step.state_root)}
        case ProvenAccount():
            return {
                "step": "account",
                "address": to_hex(step.address),
                "exists": step.exists,
                "code_hash": to_hex(step.code_hash),
                "balance": None if step.balance is None else str(step.balance),
            }
        case ProvenCall():
            return call_json(step)
        case ProvenWord():
            return {"step": "slot", "slot": to_hex(step.slot), "word": to_hex(step.word)}
        case ProvenAmount():
            return {"step": "amount", "amount": str(step.amount), "symbol": step.claim.asset.symbol}
        case ProvenPrice() | SignedPrice():
            price = {"price": show_scaled(step.price), "group": step.claim.group, "quote": step.claim.quote}
            kind = "price" if isinstance(step, ProvenPrice) else "signed-price"
            return {"step": kind, **price, "at": time_json(step.at)}
        case PinnedBlock() | Observed() | Checkpoint():
            return {"step": "trust-root", **root_json(step)}
    return {"step": type(step).__name__}


def _class_of(error: Exception) -> str:
    """The class of a refusal; of what nobody refused: a network's silence, or a fault of ours."""
    if isinstance(error, AppError | VerifierError):
        return error.refusal_class
    return "TRANSPORT" if isinstance(error, FetchError | Unanswered) else "INTERNAL"


def error_json(error: Exception, code: int, message: str | None = None) -> Json:
    """What is said where there is no result; `message` is for an error whose own words are not to be shown."""
    remedy = getattr(error, "remedy", "")
    problems = error.problems if isinstance(error, ConfigError) else ()
    return {
        **head("error"),
        "exit_code": code,
        "exit_codes": [code],
        "error": type(error).__name__,
        "class": _class_of(error),
        "message": clean(str(error) if message is None else message),
        "remedy": clean(remedy) if isinstance(remedy, str) else "",
        "problems": [{"path": p.path, "line": p.line, "message": clean(p.message)} for p in problems],
    }
