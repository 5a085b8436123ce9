# Follows mail.rb: sends every letter of the file that is named.
require 'json'

def mailbox(person)
  Mail::Address.new(person['address']).tap { |box| box.display_name = person['name'] }.encoded
end

JSON.parse(File.read(ARGV[0])).each do |letter|
  mail = Mail.new(charset: 'UTF-8')
  mail.from = mailbox(letter['author'])
  mail.to = letter['to'].map { |person| mailbox(person) }
  mail.cc = letter['cc'].map { |person| mailbox(person) } unless letter['cc'].empty?
  mail.bcc = letter['bcc'].map { |person| mailbox(person) } unless letter['bcc'].empty?
  mail.subject = letter['subject']
  text = Mail::Part.new(content_type: 'text/plain; charset=UTF-8', body: letter['text'])
  if letter['html'].empty?
    mail.text_part = text
  else
    related = Mail::Part.new(content_type: 'multipart/related')
    related.add_part Mail::Part.new(content_type: 'text/html; charset=UTF-8', body: letter['html'])
    letter['inline'].each do |file|
      related.attachments.inline[file['name']] = { content: File.binread(file['path']), mime_type: file['type'], content_id: "<#{file['cid']}>" }
    end
    alternative = Mail::Part.new(content_type: 'multipart/alternative')
    alternative.add_part text
    alternative.add_part related
    mail.add_part alternative
  end
  letter['attachments'].each do |file|
    mail.attachments[file['name']] = { content: File.binread(file['path']), mime_type: file['type'] }
  end
  mail.deliver!
end
