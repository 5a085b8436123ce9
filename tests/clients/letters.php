// Follows phpmailer.php: sends every letter of the file that is named.
$people = fn(array $given) => array_map(fn($person) => [$person['address'], $person['name']], $given);
$mail->SMTPKeepAlive = true;
foreach (json_decode(file_get_contents($argv[1]), true) as $letter) {
    $mail->clearAllRecipients();
    $mail->clearAttachments();
    $mail->setFrom($letter['author']['address'], $letter['author']['name']);
    foreach (['to' => 'addAddress', 'cc' => 'addCC', 'bcc' => 'addBCC'] as $field => $add) {
        foreach ($people($letter[$field]) as $person) {
            $mail->$add(...$person);
        }
    }
    $mail->Subject = $letter['subject'];
    $mail->isHTML($letter['html'] !== '');
    $mail->Body = $letter['html'] ?: $letter['text'];
    $mail->AltBody = $letter['html'] ? $letter['text'] : '';
    foreach ($letter['inline'] as $file) {
        $mail->addEmbeddedImage($file['path'], $file['cid'], $file['name'], 'base64', $file['type']);
    }
    foreach ($letter['attachments'] as $file) {
        $mail->addAttachment($file['path'], $file['name'], 'base64', $file['type']);
    }
    $mail->send();
    echo $mail->getSMTPInstance()->getLastReply();
}
$mail->smtpClose();
