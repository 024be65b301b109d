// Reads a JSON list of YAML texts, and writes what two readers of npm make of the key "a" of each.
const readers = { "npm yaml": require("yaml").parse, "js-yaml": require("js-yaml").load };

function look(read, text) {
  try {
    const value = read(text).a;
    if (value === null || value === undefined) return ["null", ""];
    if (value instanceof Date) return ["time", ""];
    return typeof value === "string" ? ["string", value] : [typeof value, ""];
  } catch {
    return ["error", ""];
  }
}

const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = {};
for (const [name, read] of Object.entries(readers)) found[name] = texts.map((text) => look(read, text));
process.stdout.write(JSON.stringify(found));
