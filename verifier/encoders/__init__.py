"""Proofs in the forms that contracts take: verified here first, then encoded, never the other way round."""
