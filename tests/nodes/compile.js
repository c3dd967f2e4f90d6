// Compiles the Solidity sources of a standard-JSON input read from stdin; imports come from the folder given as argument.
"use strict";
const fs = require("fs");
const path = require("path");

const modules = process.argv[2];
const solc = require(path.join(modules, "solc"));

function load(name) {
  const file = path.resolve(modules, name);
  if (!file.startsWith(path.resolve(modules) + path.sep)) return { error: `outside the packages: ${name}` };
  try {
    return { contents: fs.readFileSync(file, "utf8") };
  } catch (error) {
    return { error: String(error) };
  }
}

const input = fs.readFileSync(0, "utf8");
process.stdout.write(solc.compile(input, { import: load }));
