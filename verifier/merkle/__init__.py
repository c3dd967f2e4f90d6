"""Plain Merkle trees beside the state trie: sorted pairs, ordered lists, SSZ containers, sums, and absence."""
