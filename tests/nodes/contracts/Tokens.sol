// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {ERC20Upgradeable} from "@openzeppelin/contracts-upgradeable/token/ERC20/ERC20Upgradeable.sol";

/// OpenZeppelin's token, with its supply handed out at deployment.
contract PlainToken is ERC20 {
    uint8 private immutable _units;

    constructor(string memory name_, string memory symbol_, uint8 units, address[] memory holders, uint256[] memory amounts)
        ERC20(name_, symbol_)
    {
        _units = units;
        for (uint256 i = 0; i < holders.length; i++) _mint(holders[i], amounts[i]);
    }

    function decimals() public view override returns (uint8) {
        return _units;
    }
}

/// OpenZeppelin's upgradeable token: its balances lie in the ERC-7201 namespace openzeppelin.storage.ERC20.
contract UpgradeableToken is ERC20Upgradeable {
    function initialize(string memory name_, string memory symbol_, address[] memory holders, uint256[] memory amounts)
        external
        initializer
    {
        __ERC20_init(name_, symbol_);
        for (uint256 i = 0; i < holders.length; i++) _mint(holders[i], amounts[i]);
    }
}

/// OpenZeppelin's EIP-1967 proxy under a name of ours.
contract Proxy1967 is ERC1967Proxy {
    constructor(address implementation, bytes memory data) ERC1967Proxy(implementation, data) {}
}
