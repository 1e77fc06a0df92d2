// Run by Deno: runs turns in one Pyodide, and prints the value of the last.
const [folder, turns] = Deno.args;
const { loadPyodide } = await import(`${folder}/pyodide.mjs`);
const pyodide = await loadPyodide({ indexURL: folder });
let last;
for (const code of JSON.parse(turns)) last = pyodide.runPython(code);
console.log(String(last));
