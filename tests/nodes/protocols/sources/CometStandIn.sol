// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// Stand-in for Compound III: the published storage layout, index arithmetic and rounding; no prices, no liquidation.
contract CometStandIn {
    struct UserBasic {
        int104 principal;
        uint64 trackingIndex;
        uint64 trackingAccrued;
        uint16 assetsIn;
        uint8 reserved;
    }

    struct UserCollateral {
        uint128 balance;
        uint128 reserved;
    }

    struct TotalsCollateral {
        uint128 totalSupplyAsset;
        uint128 reserved;
    }

    uint64 private baseSupplyIndex;
    uint64 private baseBorrowIndex;
    uint64 private trackingSupplyIndex;
    uint64 private trackingBorrowIndex;
    uint104 private totalSupplyBase;
    uint104 private totalBorrowBase;
    uint40 private lastAccrualTime;
    uint8 private pauseFlags;
    mapping(address => TotalsCollateral) public totalsCollateral;
    mapping(address => mapping(address => bool)) private isAllowed;
    mapping(address => uint256) private userNonce;
    mapping(address => UserBasic) public userBasic;
    mapping(address => mapping(address => UserCollateral)) public userCollateral;

    uint64 private constant SCALE = 1e15;
    uint256 private constant FACTOR = 1e18;
    uint256 public constant supplyKink = 8e17;
    uint256 public constant supplyPerSecondInterestRateSlopeLow = 1030568239;
    uint256 public constant supplyPerSecondInterestRateSlopeHigh = 12683916793;
    uint256 public constant supplyPerSecondInterestRateBase = 0;
    uint256 public constant borrowKink = 8e17;
    uint256 public constant borrowPerSecondInterestRateSlopeLow = 1109842719;
    uint256 public constant borrowPerSecondInterestRateSlopeHigh = 7927447995;
    uint256 public constant borrowPerSecondInterestRateBase = 475646879;
    IERC20 public immutable baseToken;

    constructor(IERC20 base) {
        baseToken = base;
        baseSupplyIndex = SCALE;
        baseBorrowIndex = SCALE;
        lastAccrualTime = uint40(block.timestamp);
    }

    function supply(uint256 amount) external {
        _accrue();
        baseToken.transferFrom(msg.sender, address(this), amount);
        _move(msg.sender, int256(amount));
    }

    function withdraw(uint256 amount) external {
        _accrue();
        _move(msg.sender, -int256(amount));
        baseToken.transfer(msg.sender, amount);
    }

    function supplyCollateral(IERC20 asset, uint128 amount) external {
        asset.transferFrom(msg.sender, address(this), amount);
        userCollateral[msg.sender][address(asset)].balance += amount;
        totalsCollateral[address(asset)].totalSupplyAsset += amount;
        userBasic[msg.sender].assetsIn |= 1;
    }

    function balanceOf(address account) external view returns (uint256) {
        (uint64 index, ) = _indices();
        int104 principal = userBasic[account].principal;
        return principal > 0 ? _present(index, uint104(principal)) : 0;
    }

    function borrowBalanceOf(address account) external view returns (uint256) {
        (, uint64 index) = _indices();
        int104 principal = userBasic[account].principal;
        return principal < 0 ? _present(index, uint104(-principal)) : 0;
    }

    function collateralBalanceOf(address account, address asset) external view returns (uint128) {
        return userCollateral[account][asset].balance;
    }

    function _move(address account, int256 change) private {
        int104 old = userBasic[account].principal;
        uint256 had = _present(old >= 0 ? baseSupplyIndex : baseBorrowIndex, uint104(old >= 0 ? old : -old));
        int256 now_ = (old >= 0 ? int256(had) : -int256(had)) + change;
        int104 fresh = now_ >= 0
            ? int104(int256((uint256(now_) * SCALE) / baseSupplyIndex))
            : -int104(int256((uint256(-now_) * SCALE + baseBorrowIndex - 1) / baseBorrowIndex));
        if (old >= 0) totalSupplyBase -= uint104(old);
        else totalBorrowBase -= uint104(-old);
        if (fresh >= 0) totalSupplyBase += uint104(fresh);
        else totalBorrowBase += uint104(-fresh);
        userBasic[account].principal = fresh;
    }

    function _accrue() private {
        (baseSupplyIndex, baseBorrowIndex) = _indices();
        lastAccrualTime = uint40(block.timestamp);
    }

    function _indices() private view returns (uint64, uint64) {
        uint256 elapsed = block.timestamp - lastAccrualTime;
        if (elapsed == 0) return (baseSupplyIndex, baseBorrowIndex);
        uint256 use = _utilization();
        uint256 s = _rate(use, supplyKink, supplyPerSecondInterestRateBase, supplyPerSecondInterestRateSlopeLow, supplyPerSecondInterestRateSlopeHigh);
        uint256 b = _rate(use, borrowKink, borrowPerSecondInterestRateBase, borrowPerSecondInterestRateSlopeLow, borrowPerSecondInterestRateSlopeHigh);
        return (
            baseSupplyIndex + uint64((baseSupplyIndex * (s * elapsed)) / FACTOR),
            baseBorrowIndex + uint64((baseBorrowIndex * (b * elapsed)) / FACTOR)
        );
    }

    function _utilization() private view returns (uint256) {
        uint256 supplied = _present(baseSupplyIndex, totalSupplyBase);
        return supplied == 0 ? 0 : (_present(baseBorrowIndex, totalBorrowBase) * FACTOR) / supplied;
    }

    function _rate(uint256 use, uint256 kink, uint256 base, uint256 low, uint256 high) private pure returns (uint256) {
        if (use <= kink) return base + (low * use) / FACTOR;
        return base + (low * kink) / FACTOR + (high * (use - kink)) / FACTOR;
    }

    function _present(uint64 index, uint104 principal) private pure returns (uint256) {
        return (uint256(principal) * index) / SCALE;
    }
}
