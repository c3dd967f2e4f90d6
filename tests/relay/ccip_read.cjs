// Calls `latest(account)` of a contract through ethers' own CCIP-read: the node reverts, ethers asks, the contract checks.
const [modules, url, contract, account] = process.argv.slice(2);
const { Contract, JsonRpcProvider } = require(modules + '/ethers');
const abi = ['function latest(string account) view returns (int256)'];
const provider = new JsonRpcProvider(url, undefined, { staticNetwork: true, batchMaxCount: 1 });
new Contract(contract, abi, provider).latest(account, { enableCcipRead: true }).then(
  (found) => { console.log(JSON.stringify({ equity: String(found) })); process.exit(0); },
  (error) => { console.log(JSON.stringify({ error: error.code, message: error.shortMessage })); process.exit(1); },
);
