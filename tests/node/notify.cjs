// Drives the published Node client: a call per line of JSON on standard input, what came of it as a line on standard
// output. By hand: `npm ci --prefix tests/node`, then tests/acceptance/test_published_clients.py finds it.
'use strict'
const readline = require('node:readline')
const { NotifyClient } = require('notifications-node-client')

const [publicUrl, apiKey] = process.argv.slice(2)
const client = new NotifyClient(publicUrl, apiKey)

const told = ({ config, status, headers, data }) => ({
  method: config.method.toUpperCase(), url: config.url, status, headers: { ...headers }, data
})

async function answer ({ call, values }) {
  try {
    return told(await client[call](...values))
  } catch (error) {
    if (!error.response) throw error
    return { ...told(error.response), error: error.name, message: error.message }
  }
}

async function main () {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + '\n')
  }
}

main()
