// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// Stand-in for Lido's stETH since its third version: shares in slot 0, totals packed in named slots, amounts rounded down.
contract StakedEther {
    bytes32 private constant TOTALS = keccak256("lido.StETH.totalAndExternalShares");
    bytes32 private constant BUFFER = keccak256("lido.Lido.bufferedEtherAndDepositedValidators");
    bytes32 private constant BEACON = keccak256("lido.Lido.clBalanceAndClValidators");

    mapping(address => uint256) private shares;

    function submit() external payable {
        (uint128 total, uint128 external_) = _load(TOTALS);
        uint256 internalShares = total - external_;
        uint256 made = internalShares == 0 ? msg.value : (msg.value * internalShares) / _internalEther();
        shares[msg.sender] += made;
        _store(TOTALS, total + uint128(made), external_);
        (uint128 buffered, uint128 deposited) = _load(BUFFER);
        _store(BUFFER, buffered + uint128(msg.value), deposited);
    }

    function deposit(uint128 validators) external {
        (uint128 buffered, uint128 deposited) = _load(BUFFER);
        _store(BUFFER, buffered - validators * 32 ether, deposited + validators);
    }

    function report(uint128 clBalance, uint128 clValidators) external {
        _store(BEACON, clBalance, clValidators);
    }

    function mintExternal(address to, uint128 amount) external {
        (uint128 total, uint128 external_) = _load(TOTALS);
        shares[to] += amount;
        _store(TOTALS, total + amount, external_ + amount);
    }

    function transferShares(address to, uint256 amount) external {
        shares[msg.sender] -= amount;
        shares[to] += amount;
    }

    function sharesOf(address holder) external view returns (uint256) {
        return shares[holder];
    }

    function balanceOf(address holder) external view returns (uint256) {
        return getPooledEthByShares(shares[holder]);
    }

    function getPooledEthByShares(uint256 amount) public view returns (uint256) {
        (uint128 total, uint128 external_) = _load(TOTALS);
        return (amount * _internalEther()) / (total - external_);
    }

    function _internalEther() private view returns (uint256) {
        (uint128 buffered, uint128 deposited) = _load(BUFFER);
        (uint128 clBalance, uint128 clValidators) = _load(BEACON);
        return uint256(buffered) + clBalance + uint256(deposited - clValidators) * 32 ether;
    }

    function _load(bytes32 slot) private view returns (uint128 low, uint128 high) {
        uint256 word;
        assembly {
            word := sload(slot)
        }
        return (uint128(word), uint128(word >> 128));
    }

    function _store(bytes32 slot, uint128 low, uint128 high) private {
        uint256 word = (uint256(high) << 128) | low;
        assembly {
            sstore(slot, word)
        }
    }
}

/// Stand-in for wstETH: its own balances count shares of stETH.
contract WrappedStakedEther is ERC20 {
    StakedEther public immutable stETH;

    constructor(StakedEther stETH_) ERC20("Wrapped stand-in", "wst") {
        stETH = stETH_;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function getStETHByWstETH(uint256 amount) external view returns (uint256) {
        return stETH.getPooledEthByShares(amount);
    }
}

/// Stand-in for Rocket Pool's storage: figures stand right at the slots that their keys name.
contract RocketStore {
    function set(bytes32 key, uint256 value) external {
        assembly {
            sstore(key, value)
        }
    }

    function get(bytes32 key) external view returns (uint256 value) {
        assembly {
            value := sload(key)
        }
    }
}

/// Stand-in for rETH: balances in slot 1, behind a version and the address of the store; worth what the store says.
contract RocketEther {
    uint8 private version = 1;
    RocketStore private store;
    mapping(address => uint256) private balances;

    constructor(RocketStore store_) {
        store = store_;
    }

    function mint(address to, uint256 amount) external {
        balances[to] += amount;
    }

    function balanceOf(address holder) external view returns (uint256) {
        return balances[holder];
    }

    function getEthValue(uint256 amount) external view returns (uint256) {
        uint256 ether_ = store.get(keccak256("network.balance.total"));
        uint256 supply = store.get(keccak256("network.balance.reth.supply"));
        return supply == 0 ? amount : (amount * ether_) / supply;
    }
}
