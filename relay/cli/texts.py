"""Every English text of the command, in one place for the catalogue. Refusals are in auth/errors.py,
relay/actions/errors.py, and refusals.py beside this.

What Typer itself says is in usage.py, which translates it.
"""

APP = "SMTP relay gateway and delivery backend for public services."
VERSION = "Show the version and exit."
SERVICE = "Services: who sends, from which address, live or in trial."
GUEST = "Guest list: whom a team key or a trial service may reach."
SENDER = "Addresses and domains that may stand in Reply-To."
KEY = "Keys: one credential of a service, good at every door."
DOMAIN = "Domains that services send from."

ORGANISATION = "Organisations: whose people may have an account on the web site, and who approves their services."
ORGANISATION_CREATE = "Make an organisation."
ORGANISATION_LIST = "All organisations, with their domains and approvers."
ORGANISATION_DOMAIN = "Domains of its people's addresses."
ORGANISATION_DOMAIN_ADD = "Let people with an address at this domain, or at what ends under it, have an account."
ORGANISATION_DOMAIN_REMOVE = "Take a domain away; who has an account keeps it."
ORGANISATION_NAME = "Name in English."
ORGANISATION_NAME_FR = "Name in French, where that is another one."
ORGANISATION_LANGUAGE = "Language of its new services."
ORGANISATION_BRANDING = "Branding of its new services: its id or its name."
ORGANISATION_ARGUMENT = "ORGANISATION"
OF_ORGANISATION = "Its id, or its name in either language."
APPROVER = "People who decide which of its services go live, beside the operators."
APPROVER_ADD = "Make somebody an approver."
APPROVER_REMOVE = "Take that away."
PERSON_ARGUMENT = "PERSON"
OF_PERSON = "The id or address of somebody with an account."
MEMBER = "The service's team on the web site."
MEMBER_ADD = "Put somebody into the team, with all permissions unless some are named."
MEMBER_REMOVE = "Take somebody out of the team; somebody who manages the service has to stay."
MEMBER_LIST = "Who is in the team, and what each may do."
PERMISSION = "What they may do; can be given several times."
NAME_FR = "The name in French, where that is another one; both together have at most 97 characters."

SERVICE_CREATE = "Make a service, in trial unless --live."
SERVICE_LIST = "All services, oldest first."
SERVICE_SHOW = "One service, and what it has used of its limits."
SERVICE_USAGE = "What a service has used of its limits, when they lift, and whether its contact was warned."
SERVICE_UPDATE = "Change what is named; the rest stays."
SERVICE_HOLD = "Take no more messages from a service; doors follow within 5 seconds."
SERVICE_RELEASE = "Take its messages again."
SERVICE_GO_LIVE = "Out of trial: the service reaches everybody."
GUEST_ADD = "Put a mail address or telephone number on the guest list."
GUEST_REMOVE = "Take it off."
GUEST_LIST = "The guest list."
SENDER_ADD = "Register an address, or a whole domain written as @example.ca."
SENDER_REMOVE = "Take it off."
SENDER_LIST = "What is registered."
SERVICE_DOMAIN = "Domains at which a service may name its own authors in From."
SERVICE_DOMAIN_ADD = "Give it a domain that was added with notify-relay domain add."
SERVICE_DOMAIN_REMOVE = "Take it away."
SERVICE_DOMAIN_LIST = "Which it has, beside the one of its own address."
KEY_CREATE = "Make a key and show its secret, this once."
KEY_LIST = "Keys, oldest first; ended ones too."
KEY_SHOW = "One key, without its secret."
KEY_UPDATE = "Change what is named; the rest stays."
KEY_REVOKE = "End a key for good; doors follow within 5 seconds."
KEY_ROTATE = "Make a new key with the same settings; the old one ends after the overlap."
DOMAIN_ADD = "Add a domain, make its DKIM key, and show the DNS records to publish."
DOMAIN_SHOW = "The DNS records to publish; without NAME those of the default domain."
DOMAIN_REGISTER = "Give SES the domain with the key that signs; again after each change of selector."
DOMAIN_CHECK = "Look for all that a domain needs, in DNS and SES, and say what to do; once all is there it can be used."
DOMAIN_ROTATE = "Make the next DKIM key; it takes over by itself when its record was found twice."
DOMAIN_LIST = "All domains."
ZONE_FILE = "The same for a zone file:"
DMARC_RAISE = (
    "a DMARC record that {name} or a domain above it has stays: leave ours out. p=none refuses nothing yet; "
    "once all else that sends mail from {name} passes, as the reports to a rua= address show, raise it to "
    "p=quarantine, or to p=reject where nobody writes to mailing lists from it; t=y beside it tries the step first"
)
SELECTOR_IS = "selector {selector}: {state}"
SIGNS = "signs"
KEY_STATES = {"pending": "pending", "published": "published", "withdrawn": "withdrawn"}
RESULTS = {"found": "found", "missing": "missing", "wrong": "WRONG", "unanswered": "unanswered"}
DOMAIN_NEXT = "publish these records, then: notify-relay domain register {name}, then: notify-relay domain check {name}"
DOMAIN_ROTATED = (
    "publish the record of {selector}; once it signs: notify-relay domain register {name}; leave the record before it "
    "for another {days} days, since mail that it signed is still on its way"
)
DOMAIN_COMPLETE = "all that {name} needs is there"
DOMAIN_INCOMPLETE = "something that {name} needs is not there yet: do as said above, then check again"
DOMAIN_REGISTERED = "SES has {name} with the key of selector {selector}"
NOTHING_TO_REGISTER = "there is nothing to register: mail goes to the outbox"

REPLY_TO_ADDRESSES = "Reply-to addresses: where answers go; messages by the API name one by its id."
REPLY_TO_ADD = "Register an address for answers; you vouch that it is the service's."
REPLY_TO_LIST = "The addresses for answers, with their ids."
REPLY_TO_REMOVE = "Take an address away; messages that named it keep it."
REPLY_TO_DEFAULT = "Make an address the default: of messages that name none."
REPLY_TO_ARGUMENT = "ID|ADDRESS"
CALLBACK = "Callbacks: where a service hears what became of its messages."
CALLBACK_SET = "Set the URL and its bearer token, and show the signing secret, this once."
CALLBACK_SHOW = "The URL, what still waits to be told, and whether it is suspended."
CALLBACK_REMOVE = "Tell the service nothing more."
CALLBACK_TEST = "Call the URL once with a health check, and show what it answers."
CALLBACK_RESUME = "Call a suspended URL again, at once; it resumes by itself when it answers."
CALLBACK_KIND = "What it is told of; each has a URL of its own."
CALLBACK_URL = "URL that is called, with https."
BEARER_TOKEN_FILE = "File with the bearer token that each call carries; - for standard input."  # noqa: S105
CALLBACK_SECRET_ONCE = "The signing secret is shown this once; keep it where the calls are checked."  # noqa: S105

SMS_ALLOWED = "Whether it may send text messages; it may unless this says otherwise."
SMS_PREFIX = "Whether its texts begin with its name; they do unless this says otherwise."
SMS_INTERNATIONAL = "Whether its texts may go outside Canada and the United States; they may not unless this says so."
SMS_DOWNGRADE = "Whether curly quotes, dashes and the like are written plainly in texts where that saves parts."
SERVICE_ARGUMENT = "SERVICE"
KEY_ARGUMENT = "KEY"
NAME_ARGUMENT = "NAME"
GUEST_ARGUMENT = "ADDRESS|PHONE"
SENDER_ARGUMENT = "ADDRESS|@DOMAIN"
ADDRESS_ARGUMENT = "ADDRESS"
TERM_ARGUMENT = "OPTION"

JSON = "Print one JSON object and nothing else."
NAME = "Name that people see."
EMAIL_FROM = "Part before the @ of the address that its mail comes from."
FROM_DOMAIN = "Domain of that address; without it the default domain."
LIVE = "Live reaches everybody, trial the guest list only."
DISPLAY_NAME = "Whose name stands in From."
REPLY_TO = "Which author addresses may stand in Reply-To."
FROM_POLICY = "Whether authors at its own domains may stand in From, and whether others are refused."
RECEIVED = "Whether Received fields that a message brings stay; they name hosts of the client's network."
REPLY_TO_ADDRESS = "The service's own Reply-To, the default of its reply-to addresses; empty: none."
LANGUAGE = "Language of branding and notices."
BRANDING = "Name or id of the branding of its messages."
PER_DAY = "Emails a day; 0: the default."
TEXTS_PER_DAY = "Parts of text messages a day; 0: the default."
EMAILS_PER_YEAR = "Emails a fiscal year, from 1 April; 0: the default."
TEXTS_PER_YEAR = "Parts of text messages a fiscal year; 0: the default."
TIME_ZONE = "Time zone in which its fiscal year begins, such as America/Toronto."
CONTENT_DAYS = "Days that what its messages say is kept, 1 to 30; 7 unless another number is named."
CONTACT = "Address that is told when most of a year's limit is used; empty: none."
NOTICE_ADDRESS = (
    "Address that is told what became of messages that came by SMTP from senders at none of the service's domains; "
    "empty: none."
)
PER_MINUTE = "Messages a minute; 0: the default."
OF_SERVICE = "Id or name of the service."
NAMED_KEY = "Id or user name of the key."
KEY_TYPE = (
    "normal reaches whom the service may, team the guest list, test nobody: it ends in the simulator; "
    "admin sends nothing and manages templates, callbacks and guests by the API."
)
LANE = "Lane of its messages unless one says otherwise."
ALLOW_IP = "Address or network that may use the key; repeat for more; without it all may."
EXPIRES_AT = "Time (UTC) at which the key ends."
KEY_REPLY_TO_ADDRESS = "Reply-To of its messages, instead of the service's own."
LIFETIME = "Seconds after which a message is no longer sent, unless it says otherwise; 0: its lane's."
FIX = "What no message may say otherwise; repeat for more."
MAX_BYTES = "Octets of the largest message; 0: as large as the door takes."
MAX_RECIPIENTS = "Most recipients of one message; 0: as many as the door takes."
ALLOW_FROM = "Sender that its mail may name, in the envelope, From and Sender; repeat for more; without it any."
CLEAR = "Option to take off, by its name, as in --clear allow-from; repeat for more."
GIVEN_AND_CLEARED = "{option} is given, too: leave out one of them"
OVERLAP = "Seconds for which the old key still works."

SECRET_ONCE = "The secret is shown this once; keep it in the product that sends, or in a safe."  # noqa: S105 - no secret
NOTHING = "none"
YES = "yes"
NO = "no"
ONE_OF = "use one of {words}"
OF_FILE = "{name}: {problem}"
SYSTEM_REFUSED = "the system refused: {reason}"
INTERNAL = "internal error ({kind}); please report it with the command you gave"
INTERRUPTED = "interrupted"

SERVE = "Run the relay on this machine until SIGTERM."
ROLE = "Which processes: the doors of SMTP or HTTP, the delivery workers, those that hear of deliveries, or all."
PROCESSES = "Processes of each kind; without it one per core."
DEMO = "Make a demo service on first start, and print what to paste."
READY = (
    "notify-relay {role} ready: SMTP {smtp} (STARTTLS), {tls} (TLS), {devices} (devices); HTTP {http}; "
    "web site {site}; metrics {metrics}"
)
DEMO_ORGANISATION = "Demo organisation"
DEMO_PERSON = "Demo person"
DEMO_SERVICE = "Demo service"
DEMO_LANGUAGE = "en"
DEMO_TEMPLATE = "Greeting"
DEMO_SUBJECT = "Hello ((name))"
DEMO_BODY = "# It works\n\nThis email was made of a template, for ((name)).\n"
DEMO_SMS_BODY = "It works: this text was made of a template, for ((name))."
DEMO_SHEET = """
  SMTP host      {host}
  SMTP ports     {port} (STARTTLS), {tls_port} (TLS); the certificate is self-made
  user name      {normal_username}
  password       {normal_password}
  HTTP           http://{http} (the API; http://{http}/docs describes it)
  web site       {site} (sign in as {account_email})
  its password   {account_password}
                 (its code: grep -h ^Subject $(ls -t {outbox}/*.eml | head -1))
  API key        {normal_api_key}
  test key       {test_username} / {test_password}
                 {test_api_key}
                 (nothing is sent: it ends in the simulator)

Send a first message:
  swaks --server {host}:{port} -tls --from me@example.com --to you@example.com \\
    -au {normal_username} -ap {normal_password}
  printf 'Subject: Hello\\r\\n\\r\\nIt works.\\r\\n' | \\
    curl --ssl-reqd -k smtp://{host}:{port} -T - \\
    --mail-from me@example.com --mail-rcpt you@example.com \\
    -u {normal_username}:{normal_password}
  curl http://{http}/v2/notifications/email \\
    -H 'Authorization: ApiKey-v1 {normal_api_key}' \\
    -H 'Content-Type: application/json' \\
    -d '{{"email_address": "you@example.com", "template_id": "{template_id}",
      "personalisation": {{"name": "Amala"}}}}'
  curl http://{http}/v2/notifications/sms \\
    -H 'Authorization: ApiKey-v1 {normal_api_key}' \\
    -H 'Content-Type: application/json' \\
    -d '{{"phone_number": "+16135550100", "template_id": "{sms_template_id}",
      "personalisation": {{"name": "Amala"}}}}'

What was sent    {outbox}/ (one .eml and one .json per email, one .sms.json per text)
Its history      .venv/bin/notify-relay message show ID  (of the reply, or a file's name)
Metrics          http://{metrics}/metrics
Stop             Ctrl-C
"""

DB = "The database."
DB_UPGRADE = "Bring the database to this version's schema; one process at a time."
DB_GRANT = "Give the database user of each role what it needs there, and no more. PostgreSQL only, as the owner."
DB_GRANTED = "{users}: may do what their roles need"
DB_NO_USERS = "SQLite knows no users: only PostgreSQL has something to grant"
DB_USERS_MISSING = "the server has no user {users}: create it (CREATE ROLE ... LOGIN PASSWORD), then grant again"
DB_BACKUP = "Copy a SQLite database that is in use: whole, of one moment."
DB_BACKUP_FILE = "The copy; a file that is there is not replaced."
DB_BACKUP_POSTGRESQL = "this is for SQLite; PostgreSQL is copied by pg_dump"
DB_BACKED_UP = "{file}: a whole copy. Keep the two root secrets apart from it; without them nobody can read it"
DB_CURRENT = "the database has this version's schema"
MESSAGE = "Messages."
MESSAGE_SHOW = "The history of a message, or of all messages of a group."
MESSAGE_FIND = "Find messages by what is known of them; newest first."
MESSAGE_CANCEL = "Send a message, or what waits of a group, no more: it becomes cancelled."
CANCEL_GROUP = "All messages of this group that still wait, by the group id of the reply to an SMTP client."
MESSAGE_OR_GROUP = "name one message, or one group with --group"
CANCELLED = "message {id} is cancelled"
GROUP_CANCELLED = "cancelled: {count}; sent, being sent or ended before: {others}"
MESSAGE_PREVIEW = "What would happen to a message in a file, without sending it."
PREVIEW_FILE = "FILE"
PREVIEW_FILE_HELP = "The message as a product sends it, or - for standard input."
PREVIEW_KEY = "Whose terms count; without it those of the service's newest key."
PREVIEW_TO = (
    "A recipient, or a phone as +16135550100@sms.<default domain>; several can be named. "
    "Without it those of To, Cc and Bcc."
)
PREVIEW_WAITS = "no key of {domain} signs yet, and mail waits for one; see: notify-relay domain check {domain}"
FATES = ("keep", "strip", "rewrite", "add")
NOT_KNOWN = "not known ({reason})"
NO_INPUT = "standard input is closed: name a file"
FIND_TO = "The recipient's address, or number as +16135550100."
FIND_MESSAGE_ID = "Message-ID that the sending product gave it, with its angle brackets."
FIND_REFERENCE = "Reference that the sender gave it."
FIND_GROUP = "Group id of the reply to an SMTP client."
FIND_SINCE = "Created at this time (UTC) or later."
FIND_UNTIL = "Created at this time (UTC) or earlier."
FIND_LIMIT = "At most so many."
NOTHING_FOUND = "no message fits"
NO_MESSAGE = "no message and no group with the id {id}"
QUEUE = "The queue."
QUEUE_STATS = "How many messages of each lane wait for what, and what is on hold."
QUEUE_ON_HOLD = "on hold: {held}"
QUEUE_OF_ALL = "all"
QUEUE_HELD = "all messages stay queued until they are released"
QUEUE_HELD_OF = "service {id}: its messages stay queued until they are released"
QUEUE_HELD_LANE = "lane {lane}: its messages stay queued until they are released"
QUEUE_HELD_LANE_OF = "service {id}, lane {lane}: its messages stay queued until they are released"
QUEUE_RELEASED_LANE = "lane {lane}: its messages are sent"
QUEUE_RELEASED_LANE_OF = "service {id}, lane {lane}: its messages are sent"
QUEUE_HELD_APART = "{count} messages stay queued until they are released"
QUEUE_RELEASED_APART = "{count} messages are sent"
QUEUE_RELEASED = "all messages are sent"
QUEUE_RELEASED_OF = "service {id}: its messages are sent"
QUEUE_HOLDS = "What is on hold: whose, which lane, why and since when."
QUEUE_LIFTS = {
    "operator": "notify-relay queue release ends it",
    "bounces": "ends when fewer emails come back and the service says that the cause is mended, or by queue release",
    "complaints": "ends when fewer complain and the service says that the cause is mended, or by queue release",
    "tenant": "ends when SES sends for the service again",
}
KEY_UNSLOW = "Let what a slowed key sends leave at once again: it is no thief, and this is its habit from now on."
KEY_NOT_SLOWED = "the key was not slowed"
KEY_UNSLOWED = "the key is slowed no more; what waits leaves at once by notify-relay queue retry --key {id}"
SERVICE_WAITS = "{count} holds and slowed keys: notify-relay queue holds --service {id}"
QUEUE_HOLD = "Send nothing more of a service, or of all; messages stay queued."
QUEUE_RELEASE = "Send again."
QUEUE_RETRY = "Try deferred messages now."
QUEUE_RETRIED = "{count} messages are due now"
QUEUE_CANCEL = "Send no more of what waits: say which. Its services are told; what is being sent just now is left."
QUEUE_CANCELLED = "{count} messages are cancelled"
QUEUE_CANCEL_WHICH = (
    "say which: by --service, --lane, --domain, --key or --older-than (--older-than 0: all), or by --ids"
)
QUEUE_SURE_RETRY = "try {count} messages now? [y/N] "
QUEUE_SURE_CANCEL = "cancel {count} messages? This cannot be undone. [y/N] "
QUEUE_SAY_YES = "{count} messages would be cancelled: say --yes, or --dry-run to see which"
QUEUE_NOTHING_DONE = "nothing was changed"
QUEUE_LANE = "Of this lane."
QUEUE_DOMAIN = "Whose recipients are at this domain; not those below it. Every message that waits is looked at."
QUEUE_OLDER_THAN = "Accepted so long ago or longer: 90s, 30m, 36h, 2d."
QUEUE_KEY = "Sent with this key: its id or user name. Every message that waits is looked at."
QUEUE_DRY_RUN = "Count, and change nothing."
QUEUE_IDS = "The messages whose ids stand in this file, one a line; - is standard input."
QUEUE_NO_ID = "{file}, line {line}: this is no id of a message"
QUEUE_YES = "Do not ask."
SPAN_ARGUMENT = "TIME"
DOMAIN_ARGUMENT = "DOMAIN"
SPAN = "write a number and s, m, h or d, as in 36h"
CHECK = "Check settings, database, TLS and provider, and say what to do about each."
BAN = "Bans: who may not log in for a time, after too many failures."
BAN_LIST = "The bans that last, of an address with one user name or as a whole; they end by themselves."
BAN_LIFT = "Forget the failures of an address; doors follow within 2 seconds."
BAN_LIFTED = "{address} may log in again"
AUDIT = "The audit: who changed what, and when."
AUDIT_LIST = "What people changed, newest first."
AUDIT_OBJECT = "Id of what was changed, as the list shows it."
AUDIT_SINCE = "Done at this time (UTC) or later."
SECRETS = "The root secrets."
SECRETS_ROTATE = "Re-encrypt what an older root secret encrypted (the first of the list writes, all read)."
SECRETS_ROTATED = "{count} values re-encrypted"
CHECK_GOOD = "ok"
CHECK_BAD = "PROBLEM"
CHECK_WARNING = "warning"
CHECK_SETTINGS = "each variable is one that this version reads"
CHECK_UNKNOWN = "no setting of this version is called {names}: correct the name, or leave it out"
CHECK_EXPOSED = "others on this machine can read {files}: `chmod o-r` it"
CHECK_SECRETS = "both root secrets can be used"
CHECK_DATABASE = "{kind}: takes writes, and has this version's schema"
CHECK_SCHEMA = "the schema is not this version's: run `notify-relay db upgrade`"
CHECK_TLS = "{names} ({algorithm}): the certificate is good until {ends} ({days} days)"
CHECK_CERTIFICATE = "{names} ({algorithm}): the certificate ends on {ends}: renew it"
CHECK_DOMAIN = "{domain} signs with selector {selector}"
CHECK_NO_KEY = "{domain} has no DKIM key: run `notify-relay domain show`, which makes it, and publish the records"
CHECK_UNVERIFIED = "services send from {domain}, whose records were not found: run `notify-relay domain check {domain}`"
CHECK_KEY_LOST = "{domain} has no key that signs and that DNS has: run `notify-relay domain check {domain}`"
CHECK_OUTBOX = "{dir} cannot be written: check its owner, or NOTIFY_RELAY_OUTBOX__DIR"
CHECK_IS_OUTBOX = "outbox: nothing leaves this machine, mail becomes files in {dir}"
CHECK_SENDERS = "texts name one of these as where they come from: {numbers}"
CHECK_LINKS = "pictures are links, served at {url}"
CHECK_CARRIED = "each message carries its pictures"
CHECK_WORDS = (
    "{seen}; the words {government} stand in for its artwork until the folder that NOTIFY_RELAY_BRANDING__DIR names "
    "has {files} (another government: NOTIFY_RELAY_BRANDING__GOVERNMENT)"
)
CHECK_LOCAL_LINKS = (
    "pictures are links to {url}, which others cannot open: "
    "set NOTIFY_RELAY_HTTP__PUBLIC_URL, or NOTIFY_RELAY_BRANDING__IMAGES to cid"
)
URL_GOOD = "the API, and the links in refusals, are at {url}"
URL_HERE = (
    "{url} is this machine alone: no client elsewhere reaches the API, and nobody the link in a refusal; "
    "set NOTIFY_RELAY_HTTP__PUBLIC_URL to where clients reach it"
)
URL_UNKNOWN = "{host} is not found by this machine's resolver: check NOTIFY_RELAY_HTTP__PUBLIC_URL, and DNS"
URL_PRIVATE = (
    "{url} leads to a private address: who is outside that network reaches neither the API nor the link in a refusal"
)
URL_PLAIN = (
    "{url} has no TLS: API keys and mail can be read on the way; "
    "put a proxy with TLS in front, and https into NOTIFY_RELAY_HTTP__PUBLIC_URL"
)
CHECK_NO_EVENTS = "none needed: the outbox's files are delivered when they are written"
CHECK_DEAF = (
    "nobody tells what becomes of mail: set NOTIFY_RELAY_AWS__CONFIGURATION_SET, and "
    "NOTIFY_RELAY_AWS__EVENTS_QUEUE_URL or NOTIFY_RELAY_AWS__SNS_TOPICS"
)
CHECK_TOPICS = "posts of {topics} topics are taken at {listen}"
CHECK_QUEUE = "the queue can be read; about {count} events wait"
CHECK_NO_QUEUE = "the queue cannot be read ({reason}): check NOTIFY_RELAY_AWS__EVENTS_QUEUE_URL and the credentials"
CHECK_PAUSED = "SES does not send for this account now: look at the account's status in the AWS console"
CHECK_PRODUCTION = "production"
CHECK_SANDBOX = "sandbox: verified recipients only"
CHECK_SES = "SES in {region}, {mode}, at most {rate} messages a second"

# The words of strerror that an operator meets.
SYSTEM = (
    "Address already in use",
    "Cannot assign requested address",
    "File exists",
    "Input/output error",
    "Is a directory",
    "Name or service not known",
    "No space left on device",
    "No such file or directory",
    "Not a directory",
    "Operation not permitted",
    "Permission denied",
    "Read-only file system",
    "Temporary failure in name resolution",
    "Too many open files",
)

BRANDINGS = "Brandings: what a service's messages look like."
BRANDING_CREATE = "Make a branding, for one service or for all."
BRANDING_LIST = "The built-in brandings, then the others by name, without archived ones; of a service those it may use."
BRANDING_SHOW = "A branding, in its latest version unless one is named."
BRANDING_UPDATE = "Make a new version with what is named; messages accepted before keep theirs."
BRANDING_ARCHIVE = "Offer it no more; what was accepted with it is sent, and old mail still shows its logo."
BRANDING_ARGUMENT = "BRANDING"
NAMED_BRANDING = "Id of the branding, or its name where no other one has it."
BRANDING_NAME = "Name by which people find it; it stands in for an alternative text."
BRANDING_OF_SERVICE = "Id of the service that alone may use it; without it all may."
BRAND_TYPE = "What stands above and below a message, as in docs/branding.md."
COLOUR = "Colour of the brand, dark enough for white text where it is a band; empty: none."
BRANDING_TEXT = "Text beside the logo, or in its place; empty: none."
ALT_TEXT_EN = "What the logo says in English to those who do not see it."
ALT_TEXT_FR = "What the logo says in French to those who do not see it."
LOGO = "PNG, JPEG or GIF file of at most 100 KB; empty: none."

TEMPLATE = "Templates: texts that a service's messages are made of."
TEMPLATE_CREATE = "Make a template; ((name)) in its texts stands for a value that each message brings."
TEMPLATE_LIST = "The templates of a service by name, without archived ones."
TEMPLATE_SHOW = "A template, in its latest version unless one is named."
TEMPLATE_UPDATE = "Make a new version with what is named; messages accepted before keep theirs."
TEMPLATE_PREVIEW = "Fill the latest version, and tell what a text costs; nothing is sent."
PERSONALISATION = "A value for each placeholder, as a JSON object, or @ and a file that has it; @- for standard input."
NOT_VALUES = '--personalisation takes a JSON object of texts, numbers and lists of these, as {{"name": "Amala"}}'
TEMPLATE_ARCHIVE = "Take no more messages of it; those accepted before are sent."
TEMPLATE_ARGUMENT = "TEMPLATE"
TEMPLATE_NAME = "Name by which people find it; recipients do not see it."
TEMPLATE_TYPE = "What kind of message it makes."
TEMPLATE_SUBJECT = "Subject of the email."
TEMPLATE_VERSION = "Number of the version."
BODY_FILE = "File with the body in UTF-8: Markdown for an email, plain text for an SMS; - for standard input."

OPT_OUT = "Opt-outs: who wants no more texts, of a service or of the numbers that services share."
OPT_OUT_LIST = "The thousand newest: of a service, or without one of the numbers that services share."
OPT_OUT_REMOVE = "Send texts to a person again, who has asked for it in another way than by START."
OPT_OUT_ARGUMENT = "NUMBER"
OPT_OUT_NUMBER = "The person's number, as +16135550100."
SUPPRESSION = "Who must not be written to: mail came back or was complained of, they said stop, or it was set by hand."
SUPPRESSION_LIST = "The thousand newest entries: of a service, or without one those that count for all."
SUPPRESSION_REASON = "Only those for this reason."
SUPPRESSION_SHOW = "Every entry about an address or number, of whichever service, and when each ends."
SUPPRESSION_ADD = "Send nothing more to an address or number: of a service, or without one of any."
SUPPRESSION_REMOVE = "Send to an address or number again. The provider's list is cleared within seconds."
SUPPRESSION_ARGUMENT = "RECIPIENT"
SUPPRESSION_RECIPIENT = "An address, or a number as +16135550100."
SUPPRESSION_UNTIL = "When the entry ends by itself (UTC); without it, never."
ORIGINATION = "Senders: the numbers and pools that texts come from, each with its pace."
ORIGINATION_ADD = "Add a number or pool that the AWS account has."
ORIGINATION_LIST = "All senders, oldest first; of a service those it may use."
ORIGINATION_SHOW = "One sender."
ORIGINATION_UPDATE = "Change what is named; texts that wait for it choose again."
ORIGINATION_REMOVE = "Texts leave from it no more; those that wait for it choose another one."
ORIGINATION_CHECK = "Ask AWS about each sender, by a dry run, and say what to do."
ORIGINATION_REMOVED = "{identity} was removed"
ORIGINATION_ARGUMENT = "SENDER"
ORIGINATION_IDENTITY = "Number in E.164, digits of a short code, or AWS's id or ARN of a pool."
NAMED_ORIGINATION = "Id of the sender, or its number or pool."
ORIGINATION_KIND = "What it is; its usual pace and countries follow from it."
ORIGINATION_COUNTRY = "Country it may send to, as CA; * is all others. May be given several times."
ORIGINATION_DEFAULT = "Whether texts that name no sender leave from it; several share them, one person hears from one."
ORIGINATION_RATE = "Parts a second that AWS grants it."
ORIGINATION_LANGUAGE = "Language of its answers to keywords."
ORIGINATION_OPT_OUTS = (
    "Who answers STOP, START and HELP: notify-relay, where AWS has self-managed opt-outs on; else AWS."
)

USER = "Users: who has an account of the web site."
USER_CREATE = "Make an account; its password is chosen by a code that is mailed to its address."
USER_LIST = "The thousand newest."
USER_HOLD = "Let nobody sign in to it, and end its sessions."
USER_RELEASE = "Let its person sign in again."
USER_ARGUMENT = "USER"
NAMED_USER = "Id of the user, or the address."
USER_EMAIL = "Address that codes go to; whoever makes the account vouches for it."
USER_NAME = "The person's name; without it the address stands for it."
USER_LANGUAGE = "Language of its mails, and of the pages after it has signed in: en or fr."
USER_OPERATOR = "It may do everything but send and hold keys."
USER_FIRST_PASSWORD = "To choose the password: {url}"  # noqa: S105 - words

PERSON = "Persons: what is held about an address or number, told and forgotten."
PERSON_EXPORT = "Everything that is held about a person, as JSON, by service."
PERSON_DELETE = "Forget a person: what waits is cancelled, what must be kept is named. May be given again at any time."
PERSON_ARGUMENT = "PERSON"
NAMED_PERSON = "The address, or the number as +16135550100."
PERSON_DELETED = (
    "forgotten in {messages} messages, {cancelled} of them cancelled; other rows: {others}. Kept: suppressions, so "
    "that nobody writes again, and counts, which name nobody; idempotency keys, as hashes, for 7 days."
)
PERSON_UNDER_WAY = "{count} messages are being sent just now: give the command again in a few minutes."
PERSON_ACCOUNT = "The account with this address is closed; its row stays, since the audit and messages name its id."
PERSON_ACCOUNT_OPERATOR = "The account with this address is an operator's and stays: `notify-relay user hold` ends it."
PERSON_ACCOUNT_LAST = (
    "The account with this address stays, since nobody else manages {service}: give somebody else the permission first."
)
STATISTICS = "Statistics: what has been counted."
STATISTICS_REBUILD = "Count messages again, from their rows, and mend the counts where they differ."
STATISTICS_SAME = "{services} services, {months} months: the counts are what the rows say"
STATISTICS_MENDED = "{services} services, {months} months: {differences} counts differed, and are mended"
DRY_RUN = "Say what would be done, and do nothing."
STATISTICS_FOUND = "{services} services, {months} months: {differences} counts differ"
