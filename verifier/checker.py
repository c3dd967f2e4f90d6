"""What a checker believes and demands: the one argument that every verification takes beside the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from verifier.claims import Meanings
from verifier.consensus.forks import ConsensusConfig
from verifier.consensus.light_client import LightClientState
from verifier.consensus.networks import CONFIGS
from verifier.consensus.replay import Beginnings
from verifier.network import Network
from verifier.policy import DEFAULT_LIMITS, Limits, Policy
from verifier.primitives import ChainId, Timestamp
from verifier.trust import Checkpoint, TrustRoot


@dataclass(frozen=True, slots=True)
class Checker:
    """Everything that the checker believes and demands; nothing of it comes out of a bundle.

    Attributes:
        roots: Checkpoints, pins and observations of the checker.
        meanings: The checker's own registry of assets, its account file's among them.
        now: The checker's clock.
        consensus: The beacon chains that carry networks of the checker.
        lights: States of light clients that the checker kept itself, whatever network they are of.
    """

    roots: Sequence[TrustRoot]
    networks: Mapping[ChainId, Network]
    meanings: Meanings
    policy: Policy
    now: Timestamp
    limits: Limits = DEFAULT_LIMITS
    consensus: Mapping[ChainId, ConsensusConfig] = field(default_factory=lambda: CONFIGS)
    lights: Sequence[LightClientState] = ()

    def beginnings(self, chain: ChainId) -> Beginnings | None:
        """What a light client of the network can begin from; None where there is nothing."""
        config = self.consensus.get(chain)
        points = tuple(root for root in self.roots if isinstance(root, Checkpoint) and root.chain_id == chain)
        if config is None:
            return None
        states = tuple(state for state in self.lights if state.config == config)
        return Beginnings(config, points, states) if points or states else None
