"""Real protocol contracts deployed on a local node, each with the acts that tests make it do. See `docs/testing.md`."""
