"""What `notify-relay smtp test` says: its steps, what each found, and what to change."""

SMTP = "The SMTP door, as a client sees it."
SMTP_TEST = "Connect as a client would, and say step by step what works and what to change. Asks for the password."
HOST = "Name of the server, as clients are told it."
USER = "User name of the key."
PORT = "Port; without it 587, then 465."
TLS = "When TLS begins; without it: from the first byte on port 465, by STARTTLS on others."
TO = "Send a message to this address; without it nothing is sent."
FROM = "Address of the sender; without it the one of --to."
CA_FILE = "File with the certificate of an authority, or of the server itself, to trust besides those of this machine."
PASSWORD = "Password"  # noqa: S105 - a prompt
NO_PASSWORD = "no password was given: type it, or pass it on standard input"  # noqa: S105
CA_UNREADABLE = "{file} holds no certificate in PEM"
NOT_TRIED = "not tried"
CHANGE = "To change:"
WORKS = "It works: port {port}, {kind}."
IMPLICIT = "TLS from the first byte"

# -- Steps ---------------------------------------------------------------------------------------------------------
STEP_NAME = "name"
STEP_CONNECTION = "connection"
STEP_GREETING = "greeting"
STEP_EXTENSIONS = "extensions"
STEP_TLS = "TLS"
STEP_LOGIN = "log-in"
STEP_SENDER = "sending address"
STEP_RECIPIENT = "recipient"
STEP_CONTENT = "content"

# -- What was found ------------------------------------------------------------------------------------------------
RESOLVED = "{host} is {addresses}"
CONNECTED = "{address}, port {port}, in {milliseconds} ms"
SECURE = "{version}, {cipher}; certificate for {names}, good for {days} days"
LOGGED_IN = "{mechanism}: {reply}"
NOT_SENT = "give --to to send a message"

# -- What is wrong, and what to do ---------------------------------------------------------------------------------
NO_SUCH_NAME = "{host} has no address"
NO_SUCH_NAME_CURE = "check the spelling of --host, and the name servers of this machine"
NO_ANSWER_OF_NAMES = "no name server answered within {seconds} s"
NO_ANSWER_OF_NAMES_CURE = "check the network and the name servers of this machine"
NO_ANSWER = "port {port} did not answer within {seconds} s"
NO_ANSWER_CURE = "a firewall drops the connection: let this machine out to port {port}, or try another port"
CONNECTION_REFUSED = "nobody listens on port {port}"
CONNECTION_REFUSED_CURE = "check --host and --port; the relay listens on 587 and 465 unless its operator chose others"
UNREACHABLE = "no way to {host}: {reason}"
UNREACHABLE_CURE = "check the route and the firewall between this machine and {host}"
SILENT = "connected, but nothing was said within {seconds} s"
SILENT_CURE = (
    "a firewall or a proxy may hold the connection, or the server may be overloaded; try again, then ask the operator"
)
SILENT_IS_TLS = "the port expects TLS from the first byte"
USE_IMPLICIT_CURE = "choose TLS from the first byte (--tls implicit; SSL or SMTPS in products), or port 587"
CLOSED = "the server closed the connection"
CLOSED_CURE = (
    "the server, or something between, refuses this machine: ask the operator whether its address is permitted"
)
NO_SMTP = "this is no SMTP server; it said: {reply}"
NO_SMTP_CURE = "check --host and --port"
NOT_TLS = "the port does not begin with TLS"
USE_STARTTLS_CURE = "choose STARTTLS (--tls starttls; TLS or explicit in products), or port 465"
NO_STARTTLS = "STARTTLS is not offered"
NO_STARTTLS_CURE = (
    "never log in like this: a firewall that inspects mail may take the offer away; switch that off, or use port 465"
)
OLD_TLS = "no version of TLS in common (1.2 is the least)"
OLD_TLS_CURE = "something between may speak for the server with an old TLS: ask for it to be taken out of the way"
TLS_FAILED = "the TLS handshake failed: {reason}"
TLS_FAILED_CURE = "ask the operator; a proxy that inspects TLS is a common cause"
CERTIFICATE_SELF_MADE = "the certificate is self-made, for {names}"
CERTIFICATE_SELF_MADE_CURE = (
    "trust it by its file (--ca-file here, its own setting in each product), or install one of an authority"
)
CERTIFICATE_UNKNOWN = "the certificate for {names} is by {issuer}, whom this machine does not trust"
CERTIFICATE_UNKNOWN_CURE = (
    "trust that authority (--ca-file here); the server must also send the certificates between, in its file"
)
CERTIFICATE_EXPIRED = "the certificate ended on {ends}"
CERTIFICATE_EXPIRED_CURE = (
    "renew it on the server; if {ends} is in the future, set the clock of this machine: it says {now}"
)
CERTIFICATE_EARLY = "the certificate begins on {begins}"
CERTIFICATE_EARLY_CURE = "set the clock of this machine: it says {now}"
CERTIFICATE_NAMES = "the certificate is for {names}, not for {host}"
CERTIFICATE_NAMES_CURE = "use one of its names as the host, in every product, or have {host} put into the certificate"
CERTIFICATE_OTHER = "the certificate is not accepted: {reason}"
CERTIFICATE_OTHER_CURE = "ask the operator for another certificate"
NO_AUTH = "log-in by PLAIN or LOGIN is not offered"
NO_AUTH_CURE = "this may be a port for receiving mail: use 587 or 465"
REFUSED = "the server says: {reply}"

CURE_421 = (
    "too many connections or errors, or a restart: wait a few minutes; a product that connects in a loop must stop"
)
CURE_LATER = "not now: a product that tries again later gets through; if it goes on, tell the operator the reply"
CURE_452 = "too much at once: fewer recipients in one message, or fewer messages at the same time"
CURE_454 = "the log-in cannot be checked now: try again in a minute"
CURE_530 = "switch on both TLS and the log-in in the product"
CURE_535 = (
    "check user name and password for blanks and missing characters, and that the key is current and permitted here"
)
CURE_538 = "the log-in must come after TLS: choose STARTTLS, or port 465"
CURE_550 = (
    "use a recipient and a sender that this key may use: a team key and a trial service reach their guest list only"
)
CURE_552 = "send less, or in parts"
CURE_OTHER = "see docs/smtp-replies.md for this reply"
