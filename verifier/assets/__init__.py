"""What words of storage mean: asset kinds, each with what to read and how to decode it."""
