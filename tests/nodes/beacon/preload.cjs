// Loaded before Lodestar 1.5.1, which was written for older nodes and for packages whose install scripts have run.

// Node 20 has no Promise.withResolvers.
Promise.withResolvers ??= function withResolvers() {
  let resolve, reject;
  const promise = new Promise((good, bad) => {
    resolve = good;
    reject = bad;
  });
  return { promise, resolve, reject };
};

// snappy is a native module that only an install script would build, and ours never run; snappyjs says the same in
// JavaScript. It compresses what peers send each other, and this node has none.
const Module = require("node:module");
Module.register("./hooks.mjs", require("node:url").pathToFileURL(__filename));

const load = Module._load;
Module._load = function replaced(name, ...rest) {
  if (name !== "snappy") return load.call(this, name, ...rest);
  const plain = load.call(this, "snappyjs", ...rest);
  return {
    compress: (data, done) => done(null, plain.compress(data)),
    uncompress: (data, options, done) => (done ?? options)(null, plain.uncompress(data)),
    compressSync: plain.compress,
    uncompressSync: plain.uncompress,
  };
};
