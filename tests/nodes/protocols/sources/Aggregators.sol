// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Stand-ins for Chainlink's two off-chain-reporting aggregators: the published storage layouts and views, without the oracles.
contract Ocr1Aggregator {
    struct HotVars {
        bytes16 configDigest;
        uint40 epochAndRound;
        uint8 threshold;
        uint32 latestRound;
    }

    struct Transmission {
        int192 answer;
        uint64 timestamp;
    }

    uint256[43] private before;
    HotVars private hotVars;
    mapping(uint32 => Transmission) private transmissions;
    uint8 public immutable decimals;

    constructor(uint8 decimals_) {
        decimals = decimals_;
        hotVars.configDigest = bytes16(keccak256("digest"));
        hotVars.threshold = 4;
    }

    function transmit(int192 answer) external {
        hotVars.epochAndRound += 1;
        hotVars.latestRound += 1;
        transmissions[hotVars.latestRound] = Transmission(answer, uint64(block.timestamp));
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        uint32 round = hotVars.latestRound;
        Transmission memory found = transmissions[round];
        return (round, found.answer, found.timestamp, found.timestamp, round);
    }
}

contract Ocr2Aggregator {
    struct HotVars {
        uint8 f;
        uint40 epochAndRound;
        uint32 latestRound;
        uint32 maximumGasPrice;
        uint32 reasonableGasPrice;
        uint32 observationPayment;
        uint32 transmissionPayment;
        uint24 accountingGas;
    }

    struct Transmission {
        int192 answer;
        uint32 observationsTimestamp;
        uint32 transmissionTimestamp;
    }

    uint256[11] private before;
    HotVars private hotVars;
    mapping(uint32 => Transmission) private transmissions;
    uint8 public immutable decimals;

    constructor(uint8 decimals_) {
        decimals = decimals_;
        hotVars = HotVars(5, 0, 0, 1, 2, 3, 4, 6);
    }

    function transmit(int192 answer) external {
        hotVars.epochAndRound += 256;
        hotVars.latestRound += 1;
        transmissions[hotVars.latestRound] = Transmission(answer, uint32(block.timestamp) - 5, uint32(block.timestamp));
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        uint32 round = hotVars.latestRound;
        Transmission memory found = transmissions[round];
        return (round, found.answer, found.observationsTimestamp, found.transmissionTimestamp, round);
    }
}
