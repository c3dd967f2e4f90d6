"""Block headers: decoding, hashing, ancestry, and the block of the as-of time."""
