// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// A coin that anyone may mint: the underlying of every protocol in these tests.
contract Coin is ERC20 {
    uint8 private immutable places;

    constructor(string memory symbol_, uint8 places_) ERC20(symbol_, symbol_) {
        places = places_;
    }

    function decimals() public view override returns (uint8) {
        return places;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
