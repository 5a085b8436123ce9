// Each line of standard input names a file with a message; each line of standard output tells what mailparser reads
// in it: from, subject, text, HTML, and of each attachment its type, name, Content-ID and digest.
const crypto = require('node:crypto')
const fs = require('node:fs')
const readline = require('node:readline')
const { simpleParser } = require('mailparser')

const asItIs = { skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true, skipImageLinks: true }

const digest = (octets) => crypto.createHash('sha256').update(octets).digest('hex')

async function read (path) {
  const mail = await simpleParser(fs.readFileSync(path), asItIs)
  return {
    from: mail.from ? mail.from.value.map((each) => each.address) : [],
    hidden: mail.headers.has('bcc'),
    subject: mail.subject || '',
    text: mail.text || '',
    html: mail.html || '',
    attachments: mail.attachments.map((each) =>
      [each.contentType, each.filename || '', each.cid || '', digest(each.content)])
  }
}

(async () => {
  for await (const path of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await read(path)))
  }
})()
