"""From a checkpoint to the first state of a light client.

The checkpoint is the checker's: a root of a finalized beacon block, obtained elsewhere than from the endpoint that
serves the bootstrap. It must not be older than the weak subjectivity period, since the keys of an old committee are
worth nothing to their owners any more and may be bought.

Source: consensus specification, altair/light-client/sync-protocol.md (initialize_light_client_store).
"""

from __future__ import annotations

from verifier.consensus.committee import Committee
from verifier.consensus.containers import Bootstrap
from verifier.consensus.forks import ConsensusConfig
from verifier.consensus.light_client import LightClientState, check_age
from verifier.consensus.validate import verify_header
from verifier.crypto.bls import Scheme, default_scheme
from verifier.errors import FromTheFuture, WrongChain, WrongHash
from verifier.primitives import Timestamp
from verifier.proven import mint
from verifier.trie.binary import verify_normalized
from verifier.trust import Checkpoint


def start(
    checkpoint: Checkpoint,
    bootstrap: Bootstrap,
    config: ConsensusConfig,
    now: Timestamp,
    scheme: Scheme | None = None,
) -> LightClientState:
    """
    Establish the first state: the checkpoint's header, and the committee of its period.

    Args:
        checkpoint: The checker's own.
        bootstrap: Untrusted.
        now: The checker's clock; for evidence of the past, the time at which the checkpoint was first used.
        scheme: Whose backend keeps the committees' points; the fastest there is, if none is given.

    Raises:
        WrongChain: The checkpoint is of another network than the configuration.
        Unsupported: The fork of its slot is unknown here.
        WrongHash: The header is not the checkpoint's, its execution block is not in it, or the committee is not its.
        MalformedBranch: A branch has surplus entries that are not zero.
        FromTheFuture: The checkpoint's slot is after `now`.
        CheckpointTooOld: It is older than the weak subjectivity period.
    """
    if checkpoint.chain_id != config.chain_id:
        raise WrongChain(config.where, "the chain of the checkpoint", config.chain_id, checkpoint.chain_id)
    header = bootstrap.header
    where = config.where.at(node=f"bootstrap at slot {header.slot}")
    verify_header(header, config, where)
    if header.beacon.root != checkpoint.root:
        raise WrongHash(where, "the header of the checkpoint", checkpoint.root, header.beacon.root)
    index = config.indices_of(header.slot).current
    root, state_root = bootstrap.committee.root, header.beacon.state_root
    verify_normalized(root, bootstrap.branch, index, state_root, where, "the current sync committee in the state")
    if config.slot_at(now) < header.slot:
        raise FromTheFuture(where, "the time of the checkpoint", now, config.time_of(header.slot))
    check_age(config, header.slot, now)
    return mint(
        LightClientState,
        rests_on=checkpoint,
        config=config,
        finalized=header,
        newest=header,
        current=Committee(bootstrap.committee, scheme or default_scheme()),
        next=None,
        finality=None,
        attestation=None,
    )
