# Follows net-smtp.pl: each argument is an envelope, recipients separated by commas, then the file with the message.
while (my ($recipients, $file) = splice @ARGV, 0, 2) {
    open my $message, '<:raw', $file or die $!;
    $smtp->mail('clerk@city.example') or die $smtp->message;
    $smtp->to(split /,/, $recipients) or die $smtp->message;
    $smtp->data or die $smtp->message;
    while (read $message, my $piece, 65536) { $smtp->datasend($piece) or die $smtp->message; }
    $smtp->dataend or die $smtp->message;
    print $smtp->message;
}
$smtp->quit;
