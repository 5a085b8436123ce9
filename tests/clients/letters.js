// Follows nodemailer.js: sends every letter of the file that is named.
const { readFileSync } = require('node:fs');

const file = ({ path, name, type, cid }) => ({ path, filename: name, contentType: type, ...(cid && { cid }) });

(async () => {
  for (const letter of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
    const sent = await transport.sendMail({
      from: letter.author,
      to: letter.to,
      cc: letter.cc,
      bcc: letter.bcc,
      subject: letter.subject,
      text: letter.text,
      html: letter.html || undefined,
      attachments: [...letter.inline, ...letter.attachments].map(file),
    });
    console.log(sent.response);
  }
  transport.close();
})();
