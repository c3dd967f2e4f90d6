// Compiles the Solidity sources of a standard-JSON input read from stdin. Arguments: the folder that imports come from, and
// perhaps the compiled compiler to use instead of the installed one, and a JSON list of [prefix, folder] for further imports.
"use strict";
const fs = require("fs");
const path = require("path");

const modules = process.argv[2];
const other = process.argv[3];
const folders = JSON.parse(process.argv[4] || "[]").concat([["", modules]]);
const solc = other ? require(path.join(modules, "solc", "wrapper"))(require(other)) : require(path.join(modules, "solc"));

function load(name) {
  for (const [prefix, folder] of folders) {
    if (!name.startsWith(prefix)) continue;
    const file = path.resolve(folder, name.slice(prefix.length));
    if (!file.startsWith(path.resolve(folder) + path.sep)) return { error: `outside the packages: ${name}` };
    try {
      return { contents: fs.readFileSync(file, "utf8") };
    } catch (error) {
      if (folder === modules) return { error: String(error) };
    }
  }
}

const input = fs.readFileSync(0, "utf8");
process.stdout.write(solc.compile(input, { import: load }));
