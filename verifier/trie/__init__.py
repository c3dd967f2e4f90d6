"""The Merkle-Patricia trie, from the reader's side: nodes, a table of them, and the verified walk."""
