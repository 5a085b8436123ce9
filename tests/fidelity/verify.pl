# Verifies DKIM signatures with Mail::DKIM. Standard input: the TXT record of the key on a line, then per message its
# length in octets on a line and the message. Standard output: a line per message, "pass" or what is wrong.
use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Net::DNS::Packet;
use Net::DNS::RR;

{
    package Answer;    # stands where a resolver would ask DNS
    sub new { my ($class, $record) = @_; return bless { record => $record }, $class }
    sub errorstring { return 'NOERROR' }

    sub send {
        my ($self, $name, $type) = @_;
        my $packet = Net::DNS::Packet->new($name, $type);
        my @strings = $self->{record} =~ /(.{1,255})/gs;
        $packet->push(answer => Net::DNS::RR->new(owner => $name, type => 'TXT', txtdata => [@strings]));
        return $packet;
    }
}

binmode STDIN;
chomp(my $record = <STDIN>);
Mail::DKIM::DNS::resolver(Answer->new($record));
while (defined(my $length = <STDIN>)) {
    read(STDIN, my $message, $length) == $length or die "cut off";
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT($message);
    $verifier->CLOSE;
    print $verifier->result eq 'pass' ? 'pass' : $verifier->result_detail, "\n";
}
