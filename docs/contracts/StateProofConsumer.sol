// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";

/// Takes proofs of another chain's state and events under block hashes that its owner believes. An example to build on:
/// whoever uses it decides in `believe` what a block hash has to come from.
contract StateProofConsumer {
    using RLP for *;

    address public immutable owner;
    mapping(bytes32 blockHash => bool) public believed;
    mapping(address account => mapping(bytes32 slot => bytes32)) public words;
    mapping(bytes32 eventId => bool) public used;

    error UnknownBlock(bytes32 blockHash);
    error WrongEmitter(address emitter);
    error WrongTopic(bytes32 topic);
    error Failed();
    error AlreadyUsed(bytes32 eventId);

    event Delivered(bytes32 indexed eventId, bytes data);

    constructor() {
        owner = msg.sender;
    }

    function believe(bytes32 blockHash) external {
        require(msg.sender == owner);
        believed[blockHash] = true;
    }

    /// The triple: a header, an account under its state root, and storage words under the account.
    function verify(
        bytes calldata header,
        address account,
        bytes[] calldata accountProof,
        bytes32[] calldata slots,
        bytes[][] calldata storageProofs
    ) external {
        Memory.Slice[] memory fields = _believedHeader(header);
        bytes memory leaf =
            TrieProof.traverse(fields[3].readBytes32(), bytes.concat(keccak256(abi.encodePacked(account))), accountProof);
        bytes32 storageRoot = leaf.decodeList()[2].readBytes32();
        for (uint256 i = 0; i < slots.length; ++i) {
            bytes memory value =
                TrieProof.traverse(storageRoot, bytes.concat(keccak256(abi.encodePacked(slots[i]))), storageProofs[i]);
            words[account][slots[i]] = bytes32(value.decodeUint256());
        }
    }

    /// One event of a successful transaction, taken once. Positions are arguments; the trie's key is made from them.
    function deliver(
        bytes calldata header,
        uint256 txIndex,
        uint256 logIndex,
        address emitter,
        bytes32 topic0,
        bytes[] calldata receiptProof
    ) external returns (bytes memory data) {
        bytes memory receipt =
            TrieProof.traverse(_believedHeader(header)[5].readBytes32(), RLP.encode(txIndex), receiptProof);
        bytes32 eventId = keccak256(abi.encode(keccak256(header), txIndex, logIndex));
        require(!used[eventId], AlreadyUsed(eventId));
        used[eventId] = true;
        data = _event(receipt, logIndex, emitter, topic0);
        emit Delivered(eventId, data);
    }

    /// OpenZeppelin's own walk over a sorted-pair tree.
    function isMember(bytes32[] calldata siblings, bytes32 root, bytes32 leaf) external pure returns (bool) {
        return MerkleProof.verifyCalldata(siblings, root, leaf);
    }

    function _believedHeader(bytes calldata header) private view returns (Memory.Slice[] memory) {
        bytes32 blockHash = keccak256(header);
        require(believed[blockHash], UnknownBlock(blockHash));
        return bytes(header).decodeList();
    }

    function _event(bytes memory receipt, uint256 logIndex, address emitter, bytes32 topic0)
        private
        pure
        returns (bytes memory)
    {
        bytes memory body = receipt;
        if (uint8(receipt[0]) < 0xc0) {
            // A typed receipt: its list stands behind one byte.
            body = new bytes(receipt.length - 1);
            for (uint256 i = 0; i < body.length; ++i) body[i] = receipt[i + 1];
        }
        Memory.Slice[] memory fields = body.decodeList();
        require(fields[0].readUint256() == 1, Failed());
        Memory.Slice[] memory log = fields[3].readList()[logIndex].readList();
        require(log[0].readAddress() == emitter, WrongEmitter(log[0].readAddress()));
        bytes32 topic = log[1].readList()[0].readBytes32();
        require(topic == topic0, WrongTopic(topic));
        return log[2].readBytes();
    }
}
