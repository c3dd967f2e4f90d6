# SPDX-License-Identifier: Apache-2.0
# pragma version ~=0.4.3
# A token in Vyper. Its mapping hashes the slot before the key, where Solidity hashes the key before the slot.

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

name: public(String[32])
symbol: public(String[8])
decimals: public(uint8)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)

@deploy
def __init__(name: String[32], symbol: String[8], decimals: uint8, holders: DynArray[address, 32], amounts: DynArray[uint256, 32]):
    self.name = name
    self.symbol = symbol
    self.decimals = decimals
    for i: uint256 in range(len(holders), bound=32):
        self.balanceOf[holders[i]] += amounts[i]
        self.totalSupply += amounts[i]
        log Transfer(sender=empty(address), receiver=holders[i], amount=amounts[i])

@external
def transfer(receiver: address, amount: uint256) -> bool:
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=msg.sender, receiver=receiver, amount=amount)
    return True
