// Lodestar's own light client over the updates on standard input; says how long each took, in milliseconds of CPU.
// Arguments: the node_modules folder of the beacon node. Input: {root, bootstrap, updates: [{kind, fork, ssz, slot}]}.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const at = (path) => import(pathToFileURL(`${process.argv[2]}/${path}`));
const { createIBeaconConfig } = await at("@lodestar/config/lib/beaconConfig.js");
const { networksChainConfig } = await at("@lodestar/config/lib/networks.js");
const { LightclientSpec } = await at("@lodestar/light-client/lib/spec/index.js");
const { ssz } = await at("@lodestar/types/lib/index.js");
const { init } = await at("@chainsafe/bls/lib/switchable.js");
let backend = "blst-native";
try {
  await init(backend);
} catch {
  backend = "herumi";
  await init(backend);
}

const given = JSON.parse(readFileSync(0, "utf8"));
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const types = { update: "LightClientUpdate", finality_update: "LightClientFinalityUpdate", optimistic_update: "LightClientOptimisticUpdate" };
const feeds = { update: "onUpdate", finality_update: "onFinalityUpdate", optimistic_update: "onOptimisticUpdate" };
// This release is older than the day of Capella.
const config = createIBeaconConfig({ ...networksChainConfig.mainnet, CAPELLA_FORK_EPOCH: 194048 }, bytes(given.root));
const bootstrap = ssz.capella.LightClientBootstrap.deserialize(bytes(given.bootstrap));
const client = new LightclientSpec(config, { updateHeadersOnForcedUpdate: false, allowForcedUpdates: false }, bootstrap);
const times = [];
for (const step of given.updates) {
  const update = ssz[step.fork][types[step.kind]].deserialize(bytes(step.ssz));
  const start = process.cpuUsage();
  client[feeds[step.kind]](step.slot, update);
  const used = process.cpuUsage(start);
  times.push((used.user + used.system) / 1000);
}
console.log(JSON.stringify({ backend, times, finalized: client.store.finalizedHeader.beacon.slot }));
