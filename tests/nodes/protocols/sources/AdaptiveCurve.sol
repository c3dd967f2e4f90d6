// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Stand-in for Morpho's adaptive-curve interest model: its published layout (the rates at target in slot 0), constants and rounding.
contract AdaptiveCurve {
    struct MarketParams {
        address loanToken;
        address collateralToken;
        address oracle;
        address irm;
        uint256 lltv;
    }

    struct Market {
        uint128 totalSupplyAssets;
        uint128 totalSupplyShares;
        uint128 totalBorrowAssets;
        uint128 totalBorrowShares;
        uint128 lastUpdate;
        uint128 fee;
    }

    int256 private constant WAD = 1e18;
    int256 private constant STEEPNESS = 4e18;
    int256 private constant SPEED = 50e18 / int256(365 days);
    int256 private constant TARGET = 0.9e18;
    int256 private constant INITIAL = 0.04e18 / int256(365 days);
    int256 private constant LEAST = 0.001e18 / int256(365 days);
    int256 private constant MOST = 2e18 / int256(365 days);
    int256 private constant LN_2 = 0.693147180559945309e18;
    int256 private constant LN_WEI = -41.446531673892822312e18;
    int256 private constant TOP = 93.859467695000404319e18;
    int256 private constant TOP_VALUE = 57716089161558943949701069502944508345128.422502756744429568e18;

    mapping(bytes32 => int256) public rateAtTarget;

    function borrowRateView(MarketParams memory params, Market memory market) external view returns (uint256) {
        (int256 average,) = _rates(keccak256(abi.encode(params)), market);
        return uint256(average);
    }

    function borrowRate(MarketParams memory params, Market memory market) external returns (uint256) {
        bytes32 id = keccak256(abi.encode(params));
        (int256 average, int256 end) = _rates(id, market);
        rateAtTarget[id] = end;
        return uint256(average);
    }

    function _rates(bytes32 id, Market memory market) private view returns (int256, int256) {
        int256 used = 0;
        if (market.totalSupplyAssets > 0) {
            used = int256(uint256(market.totalBorrowAssets) * uint256(WAD) / market.totalSupplyAssets);
        }
        int256 distance = (used - TARGET) * WAD / (used > TARGET ? WAD - TARGET : TARGET);
        int256 start = rateAtTarget[id];
        if (start == 0) return (_curve(INITIAL, distance), INITIAL);
        int256 shift = SPEED * distance / WAD * int256(block.timestamp - market.lastUpdate);
        if (shift == 0) return (_curve(start, distance), start);
        int256 end = _adapted(start, shift);
        int256 middle = _adapted(start, shift / 2);
        return (_curve((start + end + 2 * middle) / 4, distance), end);
    }

    function _curve(int256 rate, int256 distance) private pure returns (int256) {
        int256 factor = distance < 0 ? WAD - WAD * WAD / STEEPNESS : STEEPNESS - WAD;
        return (factor * distance / WAD + WAD) * rate / WAD;
    }

    function _adapted(int256 start, int256 shift) private pure returns (int256) {
        int256 moved = start * _exp(shift) / WAD;
        return moved < LEAST ? LEAST : moved > MOST ? MOST : moved;
    }

    function _exp(int256 x) private pure returns (int256) {
        unchecked {
            if (x < LN_WEI) return 0;
            if (x >= TOP) return TOP_VALUE;
            int256 power = (x + (x < 0 ? -(LN_2 / 2) : LN_2 / 2)) / LN_2;
            int256 rest = x - power * LN_2;
            int256 series = WAD + rest + rest * rest / WAD / 2;
            return power >= 0 ? series << uint256(power) : series >> uint256(-power);
        }
    }
}
