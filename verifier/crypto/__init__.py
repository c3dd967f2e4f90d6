"""Hash functions and signatures, each behind one function of ours; the backend is chosen once, on import."""
