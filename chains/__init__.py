"""The rim towards the networks: their values, dialects and transports. Importing it loads the values only."""

from chains.chain import Chain, local_network
from chains.registry import NETWORKS, by_id, meanings, networks

__all__ = ["NETWORKS", "Chain", "by_id", "local_network", "meanings", "networks"]
