// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.15;

// A stand-in for the newer generation of the OP Stack's dispute game contracts, which no package ships: slots and rules
// as op-contracts v6 publishes them. The factory that makes the games is the authors' own.

contract SuperchainConfigStandIn {
    uint256 private spacer;
    mapping(address => uint256) public pauseTimestamps; // slot 1
    address public immutable guardian = msg.sender;

    function setPause(address identifier, uint256 since) external {
        require(msg.sender == guardian);
        pauseTimestamps[identifier] = since;
    }

    function paused(address identifier) external view returns (bool) {
        uint256 since = pauseTimestamps[identifier];
        return since != 0 && block.timestamp < since + 90 days;
    }
}

contract SystemConfigStandIn {
    uint256[108] private spacer;
    SuperchainConfigStandIn public superchainConfig; // slot 108, below the minimum base fee
    uint64 public minBaseFee = 7;
    mapping(bytes32 => bool) public isFeatureEnabled; // slot 109
    address public immutable portal;

    constructor(SuperchainConfigStandIn config, address portal_) {
        superchainConfig = config;
        portal = portal_;
    }

    function paused() external view returns (bool) {
        return superchainConfig.paused(address(0)) || superchainConfig.paused(portal);
    }
}

interface IFactory {
    function games(uint32 kind, bytes32 claim, bytes calldata extra) external view returns (address proxy, uint64 at);
}

contract RegistryStandIn {
    uint8 private initialized = 1; // slot 0: flags, then the system config from byte 2
    bool private initializing;
    SystemConfigStandIn public systemConfig;
    IFactory public disputeGameFactory; // slot 1
    address public anchorGame; // slot 2
    bytes32 private startingRoot; // slot 3
    uint256 private startingNumber; // slot 4
    mapping(address => bool) public disputeGameBlacklist; // slot 5
    uint32 public respectedGameType; // slot 6
    uint64 public retirementTimestamp;
    uint256 public immutable delay;
    address public immutable guardian = msg.sender;

    constructor(SystemConfigStandIn config, IFactory factory, uint32 respected, uint256 seconds_) {
        systemConfig = config;
        disputeGameFactory = factory;
        respectedGameType = respected;
        delay = seconds_;
    }

    function blacklist(address game) external {
        require(msg.sender == guardian);
        disputeGameBlacklist[game] = true;
    }

    function retire() external {
        require(msg.sender == guardian);
        retirementTimestamp = uint64(block.timestamp);
    }

    function respect(uint32 kind) external {
        require(msg.sender == guardian);
        respectedGameType = kind;
    }

    function isGameProper(GameStandIn game) public view returns (bool) {
        (address known, ) = disputeGameFactory.games(game.gameType(), game.rootClaim(), game.extraData());
        return known == address(game) && address(game.registry()) == address(this)
            && !disputeGameBlacklist[address(game)] && game.createdAt() > retirementTimestamp && !systemConfig.paused();
    }

    function isGameClaimValid(GameStandIn game) external view returns (bool) {
        return isGameProper(game) && game.wasRespectedGameTypeWhenCreated() && game.resolvedAt() != 0
            && game.status() == 2 && block.timestamp - game.resolvedAt() > delay;
    }
}

contract GameStandIn {
    uint64 public createdAt; // slot 0
    uint64 public resolvedAt;
    uint8 public status;
    bool private initialized;
    bool public l2BlockNumberChallenged;
    address private challenger; // slot 1
    bytes32[] private claimData; // slot 2
    uint256[7] private others; // slots 3 to 9
    bool public wasRespectedGameTypeWhenCreated; // slot 10
    RegistryStandIn public immutable registry;
    uint32 public immutable gameType;

    constructor(RegistryStandIn registry_, uint32 kind) {
        registry = registry_;
        gameType = kind;
    }

    function initialize() external payable {
        require(!initialized);
        initialized = true;
        createdAt = uint64(block.timestamp);
        wasRespectedGameTypeWhenCreated = registry.respectedGameType() == gameType;
    }

    function resolve(uint8 to) external {
        require(resolvedAt == 0);
        resolvedAt = uint64(block.timestamp);
        status = to;
    }

    // The clone appends its arguments and their length (two bytes) to the call data.
    function arguments() private pure returns (uint256 start) {
        uint256 size = (uint256(uint8(msg.data[msg.data.length - 2])) << 8) | uint8(msg.data[msg.data.length - 1]);
        return msg.data.length - size;
    }

    function rootClaim() external pure returns (bytes32) {
        uint256 start = arguments();
        return bytes32(msg.data[start + 20:start + 52]);
    }

    function extraData() external pure returns (bytes memory) {
        uint256 start = arguments();
        return msg.data[start + 84:msg.data.length - 2];
    }
}
