<?php
// As much of WordPress as sends mail: its hooks, and wp_mail() as wp-includes/pluggable.php has it. Evaluates its argument.
require '/usr/share/php/libphp-phpmailer/autoload.php';

$hooks = [];
function add_filter($name, $hook) { global $hooks; $hooks[$name][] = $hook; }
function add_action($name, $hook) { add_filter($name, $hook); }
function apply_filters($name, $value) {
    global $hooks;
    foreach ($hooks[$name] ?? [] as $hook) {
        $value = $hook($value);
    }
    return $value;
}
function wp_mail($to, $subject, $message) {
    global $hooks;
    $mail = new PHPMailer\PHPMailer\PHPMailer(true);
    $mail->setFrom(apply_filters('wp_mail_from', 'wordpress@site.example'), apply_filters('wp_mail_from_name', 'WordPress'), false);
    $mail->addAddress($to);
    $mail->Subject = $subject;
    $mail->Body = $message;
    $mail->isMail();
    $mail->CharSet = 'UTF-8';
    foreach ($hooks['phpmailer_init'] ?? [] as $hook) {
        $hook($mail);
    }
    try {
        return $mail->send();
    } catch (PHPMailer\PHPMailer\Exception $error) {
        foreach ($hooks['wp_mail_failed'] ?? [] as $hook) {
            $hook($error->getMessage());
        }
        return false;
    }
}

require 'relay-plugin.php';
ob_start();
eval($argv[1]);
$said = ob_get_flush();
exit(str_contains($said, 'bool(true)') ? 0 : 1);
