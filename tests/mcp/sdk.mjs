// node sdk.mjs HAKMEM_TRACE FOLDER: two reference clients talk to `hakmem-trace mcp`; each refuses an answer that breaks the protocol's schema.
import assert from "node:assert/strict"
import { existsSync, readFileSync } from "node:fs"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import * as modern from "@modelcontextprotocol/client"
import { StdioClientTransport as ModernTransport } from "@modelcontextprotocol/client/stdio"

const [command, folder] = process.argv.slice(2)
const server = { command, args: ["mcp", "--allow-run", folder], stderr: "pipe" }
const me = { name: "tests", version: "1" }
const calls = [
  ["faults", {}], ["fault", { number: 1 }], ["why", { address: "@fault" }], ["block", { address: "@fault" }], ["top", { per: "stack" }],
  ["diff", { between: ["start", "end"] }], ["leaks", { held: true }],
]

// Every message of the server went through the client's schemas: one that does not fit ends here.
function watch(client) {
  const errors = []
  client.onerror = error => errors.push(error)
  return errors
}

async function document(client, name, args) {
  const result = await client.callTool({ name, arguments: args })
  assert.equal(result.isError, false, JSON.stringify(result))
  assert.ok(result.content.every(part => part.type === "text" && part.text.length < 16000))
  return JSON.parse(result.content[0].text)
}

async function ask(client) {
  const { tools } = await client.listTools()
  assert.deepEqual(tools.map(tool => tool.name), ["faults", "fault", "why", "block", "top", "diff", "leaks", "explain", "run", "hunt"])
  for (const tool of tools) {
    assert.ok(tool.description && tool.inputSchema.type === "object")
    assert.equal(tool.annotations.readOnlyHint, !["run", "hunt"].includes(tool.name))
  }
  for (const [name, args] of calls)
    assert.equal((await document(client, name, { store: "stale.db", ...args })).hakmem_json, 1)
  assert.equal((await document(client, "diff", { old: "stale.db", new: "lost.db" })).command, "diff")
  assert.equal((await document(client, "explain", { code: "HKM-202" })).faults[0].name, "double-free")
  assert.equal((await document(client, "run", { command: ["sh", "-c", "exit 3"] })).program_status, 3)
  assert.equal((await document(client, "hunt", { command: ["true"], runs: 1 })).found, "nothing")
  const refused = await client.callTool({ name: "faults", arguments: { store: "../outside.db" } })
  assert.ok(refused.isError && refused.content[0].text.includes("`..`"), JSON.stringify(refused))
  const together = await Promise.all([1, 2, 3, 4, 5, 6].map(() => document(client, "top", { store: "stale.db" })))
  assert.equal(together.length, 6)
  await assert.rejects(client.callTool({ name: "nonsense", arguments: {} }), { code: -32602 })
}

// A call that is given up: the program ends, and the server goes on.
async function cancel(client, name) {
  const stop = new AbortController()
  const call = client.callTool({ name: "run", arguments: { command: ["sh", "-c", `echo $$ >${name}; exec sleep 1000`], timeout_seconds: 600 } },
    ...(client instanceof Client ? [undefined] : []), { signal: stop.signal })
  const file = `${folder}/${name}`
  while (!existsSync(file) || !readFileSync(file, "utf8").endsWith("\n"))
    await new Promise(resolve => setTimeout(resolve, 20))
  const pid = Number(readFileSync(file, "utf8"))
  stop.abort("enough")
  await assert.rejects(call)
  while (existsSync(`/proc/${pid}`))
    await new Promise(resolve => setTimeout(resolve, 20))
  assert.equal((await document(client, "faults", { store: "stale.db" })).faults.length, 1)
}

const client = new Client(me), errors = watch(client)
await client.connect(new StdioClientTransport(server))
assert.equal(client.getServerVersion().name, "hakmem-trace")
assert.deepEqual(client.getServerCapabilities(), { tools: {} })
await client.ping()
await ask(client)
await cancel(client, "legacy.pid")
await client.close()
assert.deepEqual(errors, [])

const next = new modern.Client(me, { versionNegotiation: { mode: { pin: "2026-07-28" } } }), problems = watch(next)
await next.connect(new ModernTransport(server))
assert.equal(next.getNegotiatedProtocolVersion(), "2026-07-28")
await ask(next)
await cancel(next, "modern.pid")
await next.close()
assert.deepEqual(problems, [])
console.log("both clients are served")
