"""Prices by proof: what a feed's storage says, an average that a pool kept, and rates of shares."""
