// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// A stand-in for contracts that a test does not play through: whatever it is asked, the answer is zeros, and it agrees.
contract Silence {
    fallback() external {
        assembly { return(0, 128) }
    }
}
