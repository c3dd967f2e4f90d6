// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// Takes statements over margin accounts that enough of its signers signed. An example to build on.
contract AttestationConsumer is EIP712 {
    struct Anchor {
        uint256 chainId;
        uint64 number;
        bytes32 blockHash;
        string trust;
    }

    struct Statement {
        string account;
        uint64 sequence;
        uint8 status;
        bool lowKnown;
        bool highKnown;
        int256 equityLow;
        int256 equityHigh;
        uint256 initialMargin;
        uint256 maintenanceMargin;
        uint64 asOf;
        uint64 issuedAt;
        uint64 validUntil;
        bytes32 bundleId;
        bytes32 policyDigest;
        bytes32 quorum;
        bytes32 detail;
        Anchor[] anchors;
    }

    struct Kept {
        uint64 sequence;
        uint64 validUntil;
        uint8 status;
        int256 equityLow;
        bytes32 digest;
    }

    bytes32 private constant ANCHOR_TYPE =
        keccak256("Anchor(uint256 chainId,uint64 number,bytes32 blockHash,string trust)");
    bytes32 private constant STATEMENT_TYPE = keccak256(
        "Statement(string account,uint64 sequence,uint8 status,bool lowKnown,bool highKnown,int256 equityLow,"
        "int256 equityHigh,uint256 initialMargin,uint256 maintenanceMargin,uint64 asOf,uint64 issuedAt,"
        "uint64 validUntil,bytes32 bundleId,bytes32 policyDigest,bytes32 quorum,bytes32 detail,Anchor[] anchors)"
        "Anchor(uint256 chainId,uint64 number,bytes32 blockHash,string trust)"
    );

    mapping(address => bool) public isSigner;
    uint256 public immutable threshold;
    bytes32 public immutable quorum;
    string[] private _urls;
    mapping(bytes32 account => Kept) private _kept;

    error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData);
    error Expired(uint64 validUntil);
    error FromTheFuture(uint64 issuedAt);
    error OldSequence(uint64 sequence, uint64 last);
    error OtherQuorum(bytes32 quorum);
    error NotASigner(address signer);
    error SignersNotAscending(address signer);
    error TooFewSigners(uint256 count);
    error OtherAccount();
    error FigureUnknown();

    event Taken(string account, uint64 sequence, bytes32 digest);

    /// Without signers nobody's signature counts here: for contracts that take statements in another way only.
    constructor(address[] memory signers, uint256 threshold_, bytes32 quorum_, string[] memory urls)
        EIP712("xmargin attestation", "1")
    {
        require(threshold_ >= 1 && (threshold_ <= signers.length || signers.length == 0));
        for (uint256 i = 0; i < signers.length; ++i) {
            require(signers[i] != address(0) && !isSigner[signers[i]]);
            isSigner[signers[i]] = true;
        }
        threshold = threshold_;
        quorum = quorum_;
        _urls = urls;
    }

    /// Keeps a statement that enough signers signed; its number must be higher than the last one's.
    function submit(Statement calldata s, bytes[] calldata signatures) external {
        bytes32 digest = check(s, signatures);
        _keep(s, digest);
    }

    /// The digest of a statement that holds now, signed by enough signers in ascending order of address.
    function check(Statement calldata s, bytes[] calldata signatures) public view returns (bytes32 digest) {
        digest = digestOf(s);
        _checkTime(s);
        address last = address(0);
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = ECDSA.recover(digest, signatures[i]);
            require(signer > last, SignersNotAscending(signer));
            require(isSigner[signer], NotASigner(signer));
            last = signer;
        }
        require(signatures.length >= threshold, TooFewSigners(signatures.length));
    }

    function digestOf(Statement calldata s) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(bytes.concat(_head(s), _tail(s))));
    }

    function kept(string calldata account) external view returns (Kept memory) {
        return _kept[keccak256(bytes(account))];
    }

    /// ERC-3668: the statement is elsewhere; whoever has it, `onAnswer` checks it. One that is older than what was kept
    /// still holds by its own time, and is no answer: whoever brings it may choose among all that were signed.
    function latest(string calldata account) external view returns (int256) {
        bytes memory call = abi.encodeWithSelector(this.latest.selector, account);
        revert OffchainLookup(address(this), _urls, call, this.onAnswer.selector, bytes(account));
    }

    function onAnswer(bytes calldata answer, bytes calldata account) external view returns (int256) {
        (Statement memory s, bytes[] memory signatures) = abi.decode(answer, (Statement, bytes[]));
        require(keccak256(bytes(s.account)) == keccak256(account), OtherAccount());
        uint64 last = _kept[keccak256(account)].sequence;
        require(s.sequence >= last, OldSequence(s.sequence, last));
        require(s.lowKnown, FigureUnknown());
        this.check(s, signatures);
        return s.equityLow;
    }

    function _checkTime(Statement calldata s) internal view {
        require(block.timestamp <= s.validUntil, Expired(s.validUntil));
        require(s.issuedAt <= block.timestamp + 15, FromTheFuture(s.issuedAt));
        require(s.quorum == quorum, OtherQuorum(s.quorum));
    }

    function _keep(Statement calldata s, bytes32 digest) internal {
        Kept storage last = _kept[keccak256(bytes(s.account))];
        require(s.sequence > last.sequence, OldSequence(s.sequence, last.sequence));
        _kept[keccak256(bytes(s.account))] = Kept(s.sequence, s.validUntil, s.status, s.equityLow, digest);
        emit Taken(s.account, s.sequence, digest);
    }

    function _head(Statement calldata s) private pure returns (bytes memory) {
        return abi.encode(
            STATEMENT_TYPE, keccak256(bytes(s.account)), s.sequence, s.status, s.lowKnown, s.highKnown, s.equityLow,
            s.equityHigh, s.initialMargin
        );
    }

    function _tail(Statement calldata s) private pure returns (bytes memory) {
        bytes memory anchors;
        for (uint256 i = 0; i < s.anchors.length; ++i) {
            Anchor calldata a = s.anchors[i];
            bytes32 hashed =
                keccak256(abi.encode(ANCHOR_TYPE, a.chainId, a.number, a.blockHash, keccak256(bytes(a.trust))));
            anchors = bytes.concat(anchors, hashed);
        }
        return abi.encode(
            s.maintenanceMargin, s.asOf, s.issuedAt, s.validUntil, s.bundleId, s.policyDigest, s.quorum, s.detail,
            keccak256(anchors)
        );
    }
}
