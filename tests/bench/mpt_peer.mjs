// Account proofs per second of @ethereumjs/mpt. The first argument is the package's entry; the cases come on standard
// input as {root, cases: [[key, value, [node, ...]], ...], rounds}; the best round's CPU seconds go to standard output.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const { verifyMerkleProof } = await import(pathToFileURL(process.argv[2]).href)
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'))
const given = JSON.parse(readFileSync(0, 'utf8'))
const root = bytes(given.root)
const cases = given.cases.map(([key, value, proof]) => [bytes(key), value, proof.map(bytes)])

const seconds = []
for (let round = 0; round < given.rounds; round++) {
  const before = process.cpuUsage()
  for (const [key, value, proof] of cases) {
    const found = await verifyMerkleProof(key, proof, { root })
    if (found === null || Buffer.from(found).toString('hex') !== value) throw new Error('wrong value')
  }
  const used = process.cpuUsage(before)
  seconds.push((used.user + used.system) / 1e6)
}
process.stdout.write(JSON.stringify({ proofs: cases.length, seconds: Math.min(...seconds), node: process.version }))
