// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// A stand-in for a token that packs a flag into the balance: bit 255 says "frozen", the other 255 bits are the balance.
/// The slots before the balances are there so that these lie at slot 9, as in the deployed tokens of this shape.
contract PackedToken {
    address public owner; // 0
    address public pauser; // 1
    bool public paused; // 1, packed
    address public freezer; // 2
    mapping(address => bool) internal unused; // 3
    string public name; // 4
    string public symbol; // 5
    uint8 public decimals; // 6
    string public currency; // 7
    address public minter; // 8
    bool internal initialized; // 8, packed
    mapping(address => uint256) internal balanceAndFlag; // 9
    mapping(address => mapping(address => uint256)) public allowance; // 10
    uint256 public totalSupply; // 11

    event Transfer(address indexed from, address indexed to, uint256 value);

    uint256 internal constant FLAG = 1 << 255;

    function initialize(string calldata name_, string calldata symbol_, uint8 units, address[] calldata holders, uint256[] calldata amounts)
        external
    {
        require(!initialized, "initialized");
        initialized = true;
        owner = msg.sender;
        freezer = msg.sender;
        minter = msg.sender;
        (name, symbol, decimals, currency) = (name_, symbol_, units, "USD");
        for (uint256 i = 0; i < holders.length; i++) {
            require(amounts[i] < FLAG, "too much");
            balanceAndFlag[holders[i]] = amounts[i];
            totalSupply += amounts[i];
            emit Transfer(address(0), holders[i], amounts[i]);
        }
    }

    function balanceOf(address holder) external view returns (uint256) {
        return balanceAndFlag[holder] & ~FLAG;
    }

    function isFrozen(address holder) public view returns (bool) {
        return balanceAndFlag[holder] & FLAG != 0;
    }

    function freeze(address holder) external {
        require(msg.sender == freezer, "not the freezer");
        balanceAndFlag[holder] |= FLAG;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        require(!isFrozen(msg.sender) && !isFrozen(to), "frozen");
        require(balanceAndFlag[msg.sender] >= amount, "too little");
        balanceAndFlag[msg.sender] -= amount;
        balanceAndFlag[to] += amount;
        emit Transfer(msg.sender, to, amount);
        return true;
    }
}

/// A stand-in for the proxies whose implementation lies at keccak256("org.zeppelinos.proxy.implementation").
contract ZosProxy {
    bytes32 internal constant IMPLEMENTATION = keccak256("org.zeppelinos.proxy.implementation");
    bytes32 internal constant ADMIN = keccak256("org.zeppelinos.proxy.admin");

    constructor(address implementation, bytes memory data) {
        bytes32 place = IMPLEMENTATION;
        bytes32 keeper = ADMIN;
        assembly {
            sstore(place, implementation)
            sstore(keeper, caller())
        }
        (bool done,) = implementation.delegatecall(data);
        require(done, "initialization failed");
    }

    function upgradeTo(address implementation) external {
        bytes32 place = IMPLEMENTATION;
        bytes32 keeper = ADMIN;
        assembly {
            if iszero(eq(caller(), sload(keeper))) { revert(0, 0) }
            sstore(place, implementation)
        }
    }

    fallback() external payable {
        bytes32 place = IMPLEMENTATION;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), sload(place), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch done
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }
}
