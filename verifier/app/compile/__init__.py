"""An account file and the registry into what the service works on: claims, networks, pins, meanings, policy.

Everything is decided here once: which network a name is, which token a symbol is, whether two lines are one balance.
What comes out has no spelling left in it. Each module compiles one part of a file; `account` puts them together.
"""

from verifier.app.compile.account import compile_account
from verifier.app.compile.network import compile_light, compile_network
from verifier.app.compile.spec import AccountSpec, NetworkSpec

__all__ = ["AccountSpec", "NetworkSpec", "compile_account", "compile_light", "compile_network"]
