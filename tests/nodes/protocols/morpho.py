"""Morpho Blue from its package's sources, by the compiler that it names, with the interest model and oracle that it ships for tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from eth_abi import encode
from eth_utils import keccak

from tests.nodes.anvil import Anvil
from tests.nodes.packages import package
from tests.nodes.protocols.build import Code, compiled, own
from tests.nodes.protocols.contract import FAR, Contract, create

PARAMS = "(address,address,address,address,uint256)"
CURVE = "sphere-mezo-solidity-files"
NAME = "@morpho-org/morpho-blue"


@dataclass(frozen=True)
class Morpho:
    """The contract with one market: 80 % loan-to-value, a price of 1, a fee of 10 % on interest."""

    morpho: Contract
    params: tuple[str, str, str, str, int]
    loan: Contract
    collateral: Contract
    balances: Contract
    model: str

    @property
    def market(self) -> bytes:
        """The market's id."""
        return bytes(keccak(encode([PARAMS], [self.params])))

    def supply(self, user: str, amount: int) -> None:
        """Lend to the market."""
        self._fund(self.loan, user, amount)
        self.morpho.send(
            f"supply({PARAMS},uint256,uint256,address,bytes)", self.params, amount, 0, user, b"", sender=user
        )

    def pledge(self, user: str, amount: int) -> None:
        """Post collateral."""
        self._fund(self.collateral, user, amount)
        self.morpho.send(
            f"supplyCollateral({PARAMS},uint256,address,bytes)", self.params, amount, user, b"", sender=user
        )

    def borrow(self, user: str, amount: int) -> None:
        """Borrow against the collateral."""
        self.morpho.send(
            f"borrow({PARAMS},uint256,uint256,address,address)", self.params, amount, 0, user, user, sender=user
        )

    def repay(self, user: str, amount: int) -> None:
        """Repay a part of the debt."""
        self._fund(self.loan, user, amount)
        self.morpho.send(
            f"repay({PARAMS},uint256,uint256,address,bytes)", self.params, amount, 0, user, b"", sender=user
        )

    def supplied(self, user: str, block: str = "latest") -> int:
        """What a lender would get back, interest up to the block included, as the protocol's own library says."""
        return self._expected("supplied", user, block)

    def owed(self, user: str, block: str = "latest") -> int:
        """What a borrower owes, interest up to the block included, as the protocol's own library says."""
        return self._expected("owed", user, block)

    def _expected(self, name: str, user: str, block: str) -> int:
        signature = f"{name}(address,{PARAMS},address)(uint256)"
        return int(self.balances.view(signature, self.morpho.address, self.params, user, block=block))

    def _fund(self, coin: Contract, user: str, amount: int) -> None:
        coin.send("mint(address,uint256)", user, amount)
        coin.send("approve(address,uint256)", self.morpho.address, FAR, sender=user)


def deploy_morpho(node: Anvil, model: str = "linear") -> Morpho:
    """The contract and one market, with the interest model that its package ships for tests or the adaptive curve."""
    owner = node.accounts[0]
    morpho = create(node, published_code()["Morpho"].bytecode, "(address)", owner)
    if model == "linear":
        irm = create(node, published_code()["IrmMock"].bytecode)
    else:
        irm = create(node, curve_code()["AdaptiveCurveIrm"].bytecode, "(address)", morpho.address)
    oracle = create(node, published_code()["OracleMock"].bytecode)
    oracle.send("setPrice(uint256)", 10**36)
    loan, collateral = (create(node, own("Coin")["Coin"].bytecode, "(string,uint8)", name, 18) for name in ("ML", "MC"))
    params = (loan.address, collateral.address, oracle.address, irm.address, 8 * 10**17)
    morpho.send("enableIrm(address)", irm.address)
    morpho.send("enableLltv(uint256)", params[4])
    morpho.send(f"createMarket({PARAMS})", params)
    morpho.send("setFeeRecipient(address)", owner)
    morpho.send(f"setFee({PARAMS},uint256)", params, 10**17)
    return Morpho(morpho, params, loan, collateral, create(node, published_code()["Balances"].bytecode), model)


_BALANCES = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.19;
import {IMorpho, MarketParams} from "morpho/interfaces/IMorpho.sol";
import {MorphoBalancesLib} from "morpho/libraries/periphery/MorphoBalancesLib.sol";

contract Balances {
    function supplied(IMorpho morpho, MarketParams memory params, address user) external view returns (uint256) {
        return MorphoBalancesLib.expectedSupplyAssets(morpho, params, user);
    }

    function owed(IMorpho morpho, MarketParams memory params, address user) external view returns (uint256) {
        return MorphoBalancesLib.expectedBorrowAssets(morpho, params, user);
    }
}
"""


@cache
def published_code() -> dict[str, Code]:
    """Morpho Blue and what it ships for tests, compiled; the first time takes long."""
    names = ("Morpho", "mocks/IrmMock", "mocks/OracleMock")
    sources = {"All.sol": "".join(f'import "morpho/{name}.sol";\n' for name in names), "Balances.sol": _BALANCES}
    folders = [("morpho/", package(NAME, "src"))]
    # As its authors compile it: through the intermediate representation, for the rules of Paris.
    return compiled("morpho", sources, compiler=package("solc", "soljson.js"), folders=folders, viaIR=True)


@cache
def curve_code() -> dict[str, Code]:
    """The authors' model as another project carries it, with other import paths and a later compiler."""
    source = {"Curve.sol": 'import "domains/morphoIrm/contracts/AdaptiveCurveIrm.sol";\n'}
    return compiled("adaptive-curve", source, folders=[("domains/", package(CURVE, "domains"))])
