"""What the API answers when it says no: one table from the doors' replies to statuses, names and texts of Notify's v2.

Clients decide by status and `error`, which never change; `message` is for people and follows their language.
Knows nothing of requests.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auth.principal import Principal
from messages import reply
from messages.message import KeyType
from messages.reply import Refused, Reply
from messages.text import Text, Translate
from relay.failures import REPLIES
from relay.serving import Refusals

RETRY_SECONDS = 10  # after trouble of ours

_BAD_REQUEST = "BadRequestError"
_FORBIDDEN = "ForbiddenError"
_KEY_TYPES = {KeyType.NORMAL: "LIVE", KeyType.TEAM: "TEAM", KeyType.TEST: "TEST", KeyType.ADMIN: "ADMIN"}


@dataclass(frozen=True, slots=True)
class Rejection:
    """One way to fail. `error` and `text` may hold `{named}` values."""

    status: int
    error: str
    text: Text


class ApiError(Exception):
    """An answer in the shape of Notify's v2: one status, one or more errors."""

    def __init__(
        self, status: int, errors: Sequence[tuple[str, Text]], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status)
        self.status = status
        self.errors = errors
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, rejection: Rejection, headers: Mapping[str, str] | None = None, **values: object) -> "ApiError":
        error = rejection.error.format(**values)
        return cls(rejection.status, [(error, Text(rejection.text.source, values))], headers)

    @classmethod
    def told(cls, text: Text) -> "ApiError":
        """Of a request that cannot be done, in the words of what cannot do it."""
        return cls(400, [(_BAD_REQUEST, text)])

    @classmethod
    def invalid(cls, texts: Sequence[Text]) -> "ApiError":
        """Of a request that is not as the OpenAPI document says."""
        return cls(400, [("ValidationError", text) for text in texts])

    def body(self, translate: Translate = str) -> bytes:
        """JSON; what is said twice stands there once."""
        said = dict.fromkeys((error, text.render(translate)) for error, text in self.errors)
        errors = [{"error": error, "message": message} for error, message in said]
        return json.dumps({"status_code": self.status, "errors": errors}).encode("ascii")


# -- Requests ------------------------------------------------------------------------------------------------------
NOT_FOUND = Rejection(404, "NoResultFound", Text("No result found"))
ROUTE_UNKNOWN = Rejection(404, "NotFound", Text("The requested URL was not found; see {docs}"))
METHOD_UNKNOWN = Rejection(
    405, "MethodNotAllowed", Text("The method is not allowed for the requested URL, which takes {allow}")
)
NOT_JSON = Rejection(400, _BAD_REQUEST, Text("Error decoding arguments: {reason}"))
NOT_HTTP = Rejection(400, _BAD_REQUEST, Text("The request is not valid HTTP"))
TOO_SLOW = Rejection(408, "RequestTimeout", Text("The request took longer than {seconds} seconds to arrive"))
TOO_LARGE = Rejection(413, "RequestEntityTooLarge", Text("The request has more than {limit} bytes"))
NOT_JSON_TYPE = Rejection(
    415, _BAD_REQUEST, Text("UnsupportedMediaType error: send the request as Content-Type application/json")
)
# As Notify says it where a service may not: 400, which published clients report and do not try again.
NO_LETTERS = Rejection(400, _BAD_REQUEST, Text("Service is not allowed to send letters"))
NO_LETTERS_OF_TEAM = Rejection(403, _BAD_REQUEST, Text("Cannot send letters with a team api key"))
NO_LETTERS_IN_TRIAL = Rejection(403, _BAD_REQUEST, Text("Cannot send letters when service is in trial mode"))
NOT_A_LETTER = Rejection(400, _BAD_REQUEST, Text("Notification is not a letter"))
NO_BULK = Rejection(
    400,
    _BAD_REQUEST,
    Text("Sending to a list is not offered here yet: send each message with POST /v2/notifications/email; see {docs}"),
)
NO_REPORTS = Rejection(
    400, _BAD_REQUEST, Text("Reports are not offered here: list messages with GET /v2/notifications; see {docs}")
)
NO_FOLDERS = Rejection(
    400, _BAD_REQUEST, Text("Folders of templates are not offered here: leave parent_folder_id out; see {docs}")
)
NO_LEGACY_VERSIONS = Rejection(
    400,
    _BAD_REQUEST,
    Text("This is no address of the API: get a version with GET /v2/template/{{id}}/version/{{version}}; see {docs}"),
)
VALUES_MISSING = Rejection(400, _BAD_REQUEST, Text("Missing personalisation: {names}"))
NO_DOCUMENTS = Rejection(400, _BAD_REQUEST, Text("Service is not allowed to send documents"))
REPLY_TO_UNKNOWN = Rejection(
    400, _BAD_REQUEST, Text("email_reply_to_id {id} does not exist in database for service id {service_id}")
)
SENDER_UNKNOWN = Rejection(
    400, _BAD_REQUEST, Text("sms_sender_id {id} does not exist in database for service id {service_id}")
)
NO_MANAGEMENT = Rejection(403, _FORBIDDEN, Text("This API key does not have permission to manage {what}."))
ARCHIVED = Rejection(400, _BAD_REQUEST, Text("Template is already archived."))
CODES_ENOUGH = Rejection(
    429, "TooManyRequestsError", Text("At most {limit} codes an hour are mailed for a service; try again later")
)
INTERNAL = Rejection(500, "Exception", Text("Internal server error"))
UNAVAILABLE = Rejection(
    503, "ServiceUnavailable", Text("Temporary failure on our side; nothing was accepted, try again")
)
FULL = Rejection(503, "ServiceUnavailable", Text("Too many requests at once; nothing was accepted, try again"))

# -- Authentication ------------------------------------------------------------------------------------------------
NO_TOKEN = Rejection(401, "AuthError", Text("Unauthorized, authentication token must be provided"))
SCHEME_UNKNOWN = Rejection(
    401,
    "AuthError",
    Text(
        "Unauthorized, Authorization header is invalid. GC Notify supports the following authentication methods. "
        "Bearer: a JSON Web Token signed with your API key, ApiKey-v1: your full API key"
    ),
)
TOKEN_INVALID = Rejection(403, "AuthError", Text("Invalid token: signature, api token is not valid"))
NO_ISSUER = Rejection(403, "AuthError", Text("Invalid token: iss field not provided"))
BAD_ISSUER = Rejection(403, "AuthError", Text("Invalid token: service id is not the right data type"))
NO_ISSUED_AT = Rejection(403, "AuthError", Text("Invalid token: iat field not provided"))
ALGORITHM = Rejection(403, "AuthError", Text("Invalid token: algorithm used is not HS256; sign the token with HS256"))
WHOLE_KEY = Rejection(
    403,
    "AuthError",
    Text(
        "Invalid token: this is the whole API key; sign a JSON Web Token (HS256) with its secret, the last 36 "
        "characters, or send it as Authorization: ApiKey-v1"
    ),
)
EXPIRED = Rejection(
    403, "AuthError", Text("Invalid token: its exp or nbf says that it is not valid now; make a new one each time")
)
# The same for a service that is not there and for one without keys: nobody learns which services there are.
SIGNATURE_UNKNOWN = Rejection(403, "AuthError", Text("Invalid token: signature, api token not found"))
CLOCK = Rejection(403, "AuthError", Text("Error: Your system clock must be accurate to within 30 seconds"))
REVOKED = Rejection(403, "AuthError", Text("Invalid token: API key revoked"))
GUESSING = Rejection(
    429,
    "TooManyRequestsError",
    Text("Too many requests with wrong keys came from this address; try again in {seconds} seconds"),
)
KEY_UNKNOWN = Rejection(403, "AuthError", Text("Invalid token: API key not found"))
KEY_MALFORMED = Rejection(403, "AuthError", Text("Invalid token: Enter your full API key"))

# -- What accept refuses -------------------------------------------------------------------------------------------
_EMAILS_OF_YEAR = Rejection(
    429,
    "{mode}ServiceRequestExceedsEmailAnnualLimitError",
    Text("Exceeded annual email sending limit of {limit} messages"),
)
_TEXTS_OF_YEAR = Rejection(
    429,
    "{mode}ServiceRequestExceedsSMSAnnualLimitError",
    Text("Exceeded annual SMS sending limit of {limit} messages"),
)
BY_REPLY: dict[Reply, Rejection] = {
    **dict.fromkeys(REPLIES.values(), UNAVAILABLE),  # our fault, whatever it is
    reply.KEY_REVOKED: REVOKED,
    reply.CREDENTIALS_INVALID: KEY_UNKNOWN,
    reply.KEY_ADMIN: Rejection(403, _FORBIDDEN, Text("This API key is of type admin and sends nothing.")),
    reply.SERVICE_HELD: Rejection(403, _BAD_REQUEST, Text("Service is suspended")),
    reply.KEY_LIMIT: Rejection(
        429, "RateLimitError", Text("Exceeded rate limit for key type {key_type} of {limit} requests per 60 seconds")
    ),
    reply.SERVICE_LIMIT: Rejection(
        429,
        "{mode}ServiceTooManyEmailRequestsError",
        Text("Exceeded email daily sending limit of {limit} messages"),
    ),
    reply.TEXT_LIMIT: Rejection(
        429, "{mode}ServiceTooManySMSRequestsError", Text("Exceeded SMS daily sending limit of {limit} fragments")
    ),
    reply.QUEUE_FULL: Rejection(
        429,
        "TooManyRequestsError",
        Text("Too many messages of your service are waiting to be sent; try again in {seconds} seconds"),
    ),
    reply.KEY_SLOWED: Rejection(
        429,
        "TooManyRequestsError",
        Text("This API key is slowed, since it sends far more than before; try again in {seconds} seconds"),
    ),
    reply.TESTS_LIMIT: Rejection(429, "TooManyRequestsError", Text("Exceeded send limits (tests: {limit}) for today")),
    # Whether waiting is worth while, an API client sees by Retry-After.
    reply.YEAR_LIMIT: _EMAILS_OF_YEAR,
    reply.YEAR_OVER: _EMAILS_OF_YEAR,
    reply.TEXT_YEAR_LIMIT: _TEXTS_OF_YEAR,
    reply.TEXT_YEAR_OVER: _TEXTS_OF_YEAR,
    reply.TEXT_OVER_LIMIT: Rejection(
        400,
        _BAD_REQUEST,
        Text("Your message is too long. It has {parts} fragments, and your service may send {limit}."),
    ),
    reply.SUPPRESSED: Rejection(
        400,
        _BAD_REQUEST,
        Text("Can\u2019t send to this recipient: mail came back or was complained of, or they asked for it to stop"),
    ),
    reply.TEAM_KEY_RECIPIENT: Rejection(
        400,
        _BAD_REQUEST,
        Text("Can\u2019t send to this recipient using a team-only API key (service {service_id}) - see {docs}"),
    ),
    reply.TRIAL_RECIPIENT: Rejection(
        400, _BAD_REQUEST, Text("Can\u2019t send to this recipient when service is in trial mode \u2013 see {docs}")
    ),
    reply.NULL_RECIPIENT: Rejection(400, _BAD_REQUEST, Text("Recipient can't be empty")),
    reply.SMTPUTF8_RECIPIENT: Rejection(400, "InvalidEmailError", Text("Not a valid email address")),
    reply.TEMPLATE_UNKNOWN: Rejection(400, _BAD_REQUEST, Text("Template not found")),
    reply.TEMPLATE_ARCHIVED: Rejection(400, _BAD_REQUEST, Text("Template {template_id} has been deleted")),
    reply.TEMPLATE_UNSUITABLE: Rejection(
        400, _BAD_REQUEST, Text("{channel} template is not suitable for {wanted} notification")
    ),
    reply.PERSONALISATION_MISSING: Rejection(
        400, _BAD_REQUEST, Text("Missing personalisation for template ID {template_id}: {names}")
    ),
    reply.SCHEDULED_IN_PAST: Rejection(400, "ValidationError", Text("scheduled_for datetime cannot be in the past")),
    reply.EMPTY: Rejection(400, _BAD_REQUEST, Text("Message is empty or just whitespace")),
    reply.SMS_NOT_ALLOWED: Rejection(400, _BAD_REQUEST, Text("Service is not allowed to send text messages")),
    reply.SMS_INTERNATIONAL: Rejection(400, _BAD_REQUEST, Text("Cannot send to international mobile numbers")),
    reply.SMS_TOO_MANY_CHARACTERS: Rejection(
        400, _BAD_REQUEST, Text("Content for template has a character count greater than the limit of {limit}")
    ),
    reply.SMS_TOO_LONG: Rejection(400, _BAD_REQUEST, Text("Your message is too long: {reason}")),
    reply.TEXT_TOO_LONG: Rejection(
        400,
        _BAD_REQUEST,
        Text(
            "Your message is too long. Emails cannot be longer than {max_octets} bytes or {max_lines} lines. "
            "Your message is {octets} bytes and {lines} lines."
        ),
    ),
    reply.TEXT_TOO_MARKED: Rejection(
        400,
        _BAD_REQUEST,
        Text(
            "Your message has {marks} marks of Markdown, such as * _ [ ] and those of links, and can have {limit}. "
            "Shorten the values, or take the marks out of them."
        ),
    ),
    reply.TOO_LARGE: Rejection(
        400, _BAD_REQUEST, Text("Your message is too long. Emails cannot be longer than {limit} bytes.")
    ),
    reply.OPTION_FIXED: Rejection(400, _BAD_REQUEST, Text("This API key fixes {field}: leave it out")),
    reply.IDEMPOTENCY_KEY_USED: Rejection(
        422, "IdempotencyKeyUsed", Text("This Idempotency-Key was used for another request; use a new one")
    ),
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who hears a refusal, and where they find more."""

    docs: str
    principal: Principal | None = None

    @property
    def values(self) -> dict[str, object]:
        if self.principal is None:
            return {"docs": self.docs}
        service, key = self.principal.service, self.principal.key
        mode = "Live" if service.live else "Trial"
        return {"docs": self.docs, "service_id": service.id, "key_type": _KEY_TYPES[key.type], "mode": mode}


def of_refused(refused: Refused, asker: Asker, now: float) -> ApiError:
    """A refusal as the API says it. What the table does not know is said in the reply's own words."""
    answer = refused.reply
    other = Rejection(503 if answer.temporary else 400, _BAD_REQUEST, Text(answer.text))
    rejection = BY_REPLY.get(answer, other)
    values: dict[str, Any] = {**asker.values, **refused.values_}
    headers = {"Retry-After": str(_wait_seconds(values, now))} if rejection.status in (429, 503) else {}
    return ApiError.of(rejection, headers, **values)


def unavailable() -> ApiError:
    return ApiError.of(UNAVAILABLE, {"Retry-After": str(RETRY_SECONDS)})


def refusals() -> Refusals:
    """For whom no application is asked."""
    not_http, full = (ApiError.of(each).body() for each in (NOT_HTTP, FULL))
    return Refusals("application/json", not_http, full, RETRY_SECONDS)


def _wait_seconds(values: Mapping[str, Any], now: float) -> int:
    lifts_at = values.get("lifts_at")
    if lifts_at is None:
        return int(values.get("seconds", RETRY_SECONDS))
    return max(1, math.ceil(datetime.fromisoformat(str(lifts_at)).timestamp() - now))
