"""Front door of the verifier: what a relayer needs, in `__all__`; nothing else is public."""
