// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {AttestationConsumer} from "./AttestationConsumer.sol";

/// Takes statements under one aggregate BLS signature, checked by the precompiles of EIP-2537. An example to build on.
/// Keys are handed over at construction; whoever deploys has checked their proofs of possession, as the library does.
/// There are no signers by ECDSA beside them: one of those would do what takes a threshold of keys.
contract BlsAttestationConsumer is AttestationConsumer {
    address private constant MODEXP = address(0x05);
    address private constant G1_ADD = address(0x0b);
    address private constant G2_ADD = address(0x0d);
    address private constant PAIRING = address(0x0f);
    address private constant MAP_TO_G2 = address(0x11);

    bytes private constant TAG = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    bytes private constant FIELD =
        hex"1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab";
    /// Minus the generator of G1: e(key, H(m)) * e(-G, signature) is one.
    bytes private constant MINUS_G1 =
        hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb00000000000000000000000000000000114d1d6855d545a8aa7d76c8cf2e21f267816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca";

    bytes[] private _keys;
    uint256 public immutable blsThreshold;

    error BadKey();
    error BadAggregate();
    error PrecompileFailed(address which);

    constructor(bytes[] memory keys, uint256 threshold_, bytes32 quorum_)
        AttestationConsumer(new address[](0), 1, quorum_, new string[](0))
    {
        require(threshold_ >= 1 && threshold_ <= keys.length && keys.length <= 255);
        for (uint256 i = 0; i < keys.length; ++i) require(keys[i].length == 128, BadKey());
        _keys = keys;
        blsThreshold = threshold_;
    }

    function submitAggregate(Statement calldata s, uint256 members, bytes calldata signature) external {
        bytes32 digest = digestOf(s);
        _checkTime(s);
        (bytes memory key, uint256 count) = _sum(members);
        require(count >= blsThreshold, TooFewSigners(count));
        require(signature.length == 256, BadAggregate());
        bytes memory found = _run(PAIRING, bytes.concat(key, hashToG2(digest), MINUS_G1, signature), 32);
        require(uint256(bytes32(found)) == 1, BadAggregate());
        _keep(s, digest);
    }

    /// The point of G2 that a message is signed at (RFC 9380, BLS12381G2_XMD:SHA-256_SSWU_RO_).
    function hashToG2(bytes32 message) public view returns (bytes memory) {
        bytes memory uniform = _expand(message);
        bytes memory one = _run(MAP_TO_G2, bytes.concat(_reduced(uniform, 0), _reduced(uniform, 64)), 256);
        bytes memory two = _run(MAP_TO_G2, bytes.concat(_reduced(uniform, 128), _reduced(uniform, 192)), 256);
        return _run(G2_ADD, bytes.concat(one, two), 256);
    }

    function _sum(uint256 members) private view returns (bytes memory key, uint256 count) {
        require(members >> _keys.length == 0, BadAggregate());
        for (uint256 i = 0; i < _keys.length; ++i) {
            if ((members >> i) & 1 == 1) {
                key = count == 0 ? _keys[i] : _run(G1_ADD, bytes.concat(key, _keys[i]), 128);
                ++count;
            }
        }
        require(count > 0, TooFewSigners(0));
    }

    /// expand_message_xmd over SHA-256, 256 bytes.
    function _expand(bytes32 message) private pure returns (bytes memory uniform) {
        bytes memory suffix = abi.encodePacked(TAG, uint8(TAG.length));
        bytes32 b0 = sha256(abi.encodePacked(new bytes(64), message, uint16(256), uint8(0), suffix));
        bytes32 last = sha256(abi.encodePacked(b0, uint8(1), suffix));
        uniform = abi.encodePacked(last);
        for (uint8 i = 2; i <= 8; ++i) {
            last = sha256(abi.encodePacked(b0 ^ last, i, suffix));
            uniform = abi.encodePacked(uniform, last);
        }
    }

    /// 64 bytes as an element of the field, in the 64 bytes of the precompiles.
    function _reduced(bytes memory uniform, uint256 at) private view returns (bytes memory) {
        bytes memory part = new bytes(64);
        for (uint256 i = 0; i < 64; ++i) part[i] = uniform[at + i];
        bytes memory input = abi.encodePacked(uint256(64), uint256(1), uint256(48), part, uint8(1), FIELD);
        return bytes.concat(bytes16(0), _run(MODEXP, input, 48));
    }

    function _run(address which, bytes memory input, uint256 size) private view returns (bytes memory) {
        (bool ok, bytes memory output) = which.staticcall(input);
        require(ok && output.length == size, PrecompileFailed(which));
        return output;
    }
}
