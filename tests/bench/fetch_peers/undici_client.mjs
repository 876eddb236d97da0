// A peer of `./dev bench fetch`: Node with undici, the client below its own fetch().
//
// undici_client.mjs URLS CONCURRENCY fetches the URLs in a file and prints one JSON object. undici is
// taken from node_modules in the folder that NODE_MODULES_OF names.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const { Agent, request } = createRequire(`${process.env.NODE_MODULES_OF}/`)('undici')

const [path, concurrency] = process.argv.slice(2)
const urls = readFileSync(path, 'ascii').trim().split('\n')
const dispatcher = new Agent({ connections: Number(concurrency), pipelining: 1 })

let next = 0, ok = 0, bodyBytes = 0

async function work() {
  while (next < urls.length) {
    const { statusCode, body } = await request(urls[next++], { dispatcher })
    bodyBytes += (await body.arrayBuffer()).byteLength
    ok += statusCode === 200
  }
}

const start = performance.now(), cpu = process.cpuUsage()
await Promise.all(Array.from({ length: Number(concurrency) }, work))
const used = process.cpuUsage(cpu)
console.log(JSON.stringify({
  ok,
  body_bytes: bodyBytes,
  wall_s: (performance.now() - start) / 1e3,
  cpu_s: (used.user + used.system) / 1e6,
}))
process.exit()
