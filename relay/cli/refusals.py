"""What to type instead: refusals and advice of actions, in the words of the command line."""

from auth import errors
from messages.text import Text
from relay.actions import errors as actions

# Whatever stands on the left names no command and no option: it is said elsewhere, too.
SAID = {
    errors.SERVICE_UNKNOWN: "there is no service {id}; see: notify-relay service list",
    errors.KEY_UNKNOWN: "there is no key {id}; see: notify-relay key list",
    errors.DOMAIN_UNKNOWN: "domain {name} is not known here; add it first: notify-relay domain add {name}",
    errors.DOMAIN_UNVERIFIED: (
        "the records of domain {name} were not found yet; see what is missing: notify-relay domain check {name}"
    ),
    errors.FROM_TAKEN: "{email_from}@{domain} is already the address of another service; choose another --email-from",
    errors.FROM_WITH_DOMAIN: (
        "--email-from is the part before the @ only, here {local}; the part after it goes into --domain"
    ),
    errors.BAD_FROM: "the --email-from part cannot be used: {reason}",
    errors.BAD_REPLY_TO: "the --reply-to-address cannot be used: {reason}",
    errors.BAD_CONTACT: "the --contact cannot be used: {reason}",
    errors.BAD_NOTICE_ADDRESS: "the --notice-address cannot be used: {reason}",
    errors.BAD_TIME_ZONE: "the --time-zone has a name such as America/Toronto or Europe/Paris",
    errors.REPLY_TO_UNKNOWN: (
        "the service has no reply-to address {named}; see: notify-relay service reply-to list SERVICE"
    ),
    actions.REPLY_TO_DEFAULT: (
        "{address} is the default: make another one the default first, with service reply-to default, or have none "
        "with service update --reply-to-address ''"
    ),
    actions.NOT_OPTED_OUT: "that number has not opted out there: notify-relay opt-out list shows who has",
    actions.NOT_SUPPRESSED: "there is no such entry: notify-relay suppression show RECIPIENT tells which there are",
    actions.SUPPRESSION_ENDS_BEFORE: "the time of --until is over; to end an entry, use suppression remove",
    actions.KEY_EXPIRES_BEFORE: "the time of --expires-at is over; to end a key, use key revoke",
    actions.KEY_NOT_IN_FORCE: "service {id} has no such key that is in force; make one first: notify-relay key create",
    actions.MAX_BYTES_BEYOND: "the door takes messages of at most {limit} octets; choose a smaller --max-bytes",
    actions.SES_KNOWS_NOT: "SES does not know the domain: notify-relay domain register {name}",
    actions.SES_HAS_OTHER: "SES has another key or MAIL FROM, or signs, too: notify-relay domain register {name}",
    actions.SES_WAITS_EASY: (
        "SES waits for the records of Easy DKIM, {selectors}: notify-relay domain register {name}, "
        "so that our record serves both"
    ),
    actions.SES_EASY: (
        "verified by Easy DKIM: leave its records, or notify-relay domain register {name}: ours then serves both"
    ),
    actions.SES_PREVIOUS: (
        "SES still verifies by selector {selectors}: notify-relay domain register {name} before its record goes"
    ),
    actions.SMS_NO_SENDER: (
        "texts have nothing to leave from: notify-relay sender add, with a number or pool that the AWS account has"
    ),
    actions.SENDER_UNKNOWN_TO_AWS: (
        "the AWS account has no {sender} in this region: request it there, or notify-relay sender remove {sender}"
    ),
    actions.SENDER_TOO_FAST: (
        "AWS grants {sender} {granted} parts a second, not {rate}: "
        "notify-relay sender update {sender} --parts-per-second {granted}, or ask AWS for more"
    ),
    "there is no sender {named}": "there is no sender {named}; see: notify-relay sender list",
    "the service has no branding {asked}": ("the service has no branding {asked}; `branding list` shows what there is"),
}


def typed(text: Text) -> Text:
    """The text with the command or option that it means, if it means one."""
    return Text(SAID.get(text.source, text.source), text.values)
