"""What a door refuses, in the words of somebody who sends by hand: what to change, and nothing of keys or codes."""

from collections.abc import Mapping

from messages import reply
from messages.reply import Refused, Reply
from messages.text import Text

_SAID: Mapping[Reply, Text] = {
    reply.TRIAL_RECIPIENT: Text(
        "Your service is in trial: it sends only to its team and to its guest list. Use your own address, or ask to go "
        "live."
    ),
    reply.SMS_NOT_ALLOWED: Text("Your service may not send text messages. Ask the people who run this site."),
    reply.SMS_INTERNATIONAL: Text(
        "Your service does not send texts abroad. Use a number in Canada or the United States."
    ),
    reply.SMTPUTF8_RECIPIENT: Text("No email can be sent to this address: it has accents before the @ sign."),
    reply.SERVICE_HELD: Text("Your service is on hold and sends nothing. Ask the people who run this site."),
    reply.KEY_LIMIT: Text("Many messages are being sent by hand right now. Wait a minute, then try again."),
    reply.SERVICE_LIMIT: Text("Your service has sent its {limit} emails of today. Try again tomorrow."),
    reply.TEXT_LIMIT: Text("Your service has sent its {limit} parts of text messages of today. Try again tomorrow."),
    reply.YEAR_LIMIT: Text("Your service has sent its {limit} emails of this fiscal year. Ask for a higher limit."),
    reply.YEAR_OVER: Text("Your service has sent its {limit} emails of this fiscal year. Ask for a higher limit."),
    reply.TEXT_YEAR_LIMIT: Text(
        "Your service has sent its {limit} parts of text messages of this fiscal year. Ask for a higher limit."
    ),
    reply.TEXT_YEAR_OVER: Text(
        "Your service has sent its {limit} parts of text messages of this fiscal year. Ask for a higher limit."
    ),
    reply.TEXT_OVER_LIMIT: Text("This text has {parts} parts, and your service may send {limit} a day. Shorten it."),
    reply.PERSONALISATION_MISSING: Text("Enter a value for: {names}"),
    reply.TEMPLATE_UNKNOWN: Text("This template is gone. Choose another one."),
    reply.TEMPLATE_ARCHIVED: Text("This template is archived. Choose another one, or restore it."),
    reply.EMPTY: Text("Nothing is left of the message with these values. Enter what it is to say."),
    reply.SMS_TOO_MANY_CHARACTERS: Text(
        "With these values the text has more than {limit} characters. Shorten the values or the template."
    ),
    reply.SMS_TOO_LONG: Text("With these values {reason}. Shorten the values or the template."),
    reply.TEXT_TOO_LONG: Text("With these values the email is longer than an email may be. Shorten the values."),
    reply.TEXT_TOO_MARKED: Text(
        "With these values the email has {marks} marks such as * _ [ ], and {limit} at most may be in it. Shorten the "
        "values."
    ),
    reply.IDEMPOTENCY_KEY_USED: Text(
        "This form was sent already, with other values. Start again to send another message."
    ),
    reply.SCHEDULED_IN_PAST: Text("The time that you chose has passed. Choose a later one."),
}


def said(refused: Refused) -> Text:
    """What nobody meets who fills in a form is said as the door says it."""
    known = _SAID.get(refused.reply)
    return Text(known.source if known else refused.reply.text, refused.values_)
