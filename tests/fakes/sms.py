"""What AWS End User Messaging does with a text: refuses it by its rules, or takes it. The server is in aws.py.

What a parameter may be stands in the SDK's own model of the API; what AWS holds against a text is in `Texts`.
"""

import json
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.loaders
import botocore.model

from tests.fakes.sigv4 import REGION
from tests.fakes.trouble import OK, Behaviour, Rejection, refuse

TARGET = "PinpointSMSVoiceV2."
ACCOUNT = "123456789012"
MAX_GSM_CHARACTERS, MAX_OTHER_CHARACTERS = 1530, 630

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_PAIRS = frozenset("\f^{}\\[~]|€")

TOO_FAST = refuse(400, "ThrottlingException", "Rate exceeded")
INTERNAL = refuse(500, "InternalServerException", "", RequestId="1")
SPEND_LIMIT = refuse(
    400,
    "ServiceQuotaExceededException",
    "The monthly spend limit was reached.",
    Reason="MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT",
)
DISABLED = refuse(400, "AccessDeniedException", "The account is disabled.", Reason="ACCOUNT_DISABLED")
BAD_REPUTATION = refuse(
    400, "AccessDeniedException", "The account cannot send.", Reason="INSUFFICIENT_ACCOUNT_REPUTATION"
)
NOT_ALLOWED = refuse(400, "AccessDeniedException", "User is not authorized to perform: sms-voice:SendTextMessage")


@dataclass(frozen=True)
class Number:
    """A number that the account has. `rate` is in parts a second; None: no limit."""

    number: str
    kind: str = "LONG_CODE"
    country: str = "CA"
    rate: float | None = None
    status: str = "ACTIVE"
    message_type: str = "TRANSACTIONAL"
    capabilities: tuple[str, ...] = ("SMS",)
    international: bool = True
    id: str = field(default_factory=lambda: f"phone-{uuid.uuid4().hex}")

    @property
    def arn(self) -> str:
        return f"arn:aws:sms-voice:{REGION}:{ACCOUNT}:phone-number/{self.id}"


@dataclass(frozen=True)
class Pool:
    """Numbers behind one name: AWS chooses one for each person."""

    id: str
    numbers: tuple[Number, ...]
    status: str = "ACTIVE"
    message_type: str = "TRANSACTIONAL"

    @property
    def arn(self) -> str:
        return f"arn:aws:sms-voice:{REGION}:{ACCOUNT}:pool/{self.id}"


@dataclass(frozen=True)
class Text:
    """One accepted text, as AWS was given it."""

    message_id: str
    to: str
    body: str
    parts: int
    origin: str  # the number that it leaves from
    identity: str | None  # as it was named
    context: dict[str, str]
    configuration_set: str | None
    max_price: str | None
    seconds_to_live: int | None
    at: float
    answered: bool  # False: taken, but the caller never heard


@dataclass
class Texts:
    """The account's numbers and settings, and what it was given. `script` and `choose` are as FakeAws has them."""

    numbers: list[Number] = field(default_factory=list)
    pools: list[Pool] = field(default_factory=list)
    configuration_sets: set[str] = field(default_factory=lambda: {"relay"})
    opted_out: set[str] = field(default_factory=set)
    verified: set[str] | None = None  # destinations of a sandbox; None: production
    blocked_countries: Mapping[str, str] = field(default_factory=dict)  # a prefix -> the reason that AWS gives
    price: float = 0.01  # of a part, in dollars
    spend_limit: int = 1000
    recipients: dict[str, Behaviour] = field(default_factory=dict)
    script: deque[Behaviour] = field(default_factory=deque)
    choose: Callable[[], Behaviour] | None = None
    on_sent: Callable[[Text], None] | None = None
    keep: bool = True
    sent: list[Text] = field(default_factory=list)
    requests: int = 0
    throttled: int = 0
    dry_runs: int = 0

    def __post_init__(self) -> None:
        self._credits: dict[str, tuple[float, float]] = {}  # number -> parts that it may send, and as of when

    def answer(self, operation: str, body: bytes) -> tuple[Behaviour, dict[str, Any] | Rejection]:
        call = json.loads(body or b"{}")
        problem = invalid(operation, call)
        if problem:
            return OK, problem
        if operation == "SendTextMessage":
            return self._send(call)
        describe = {
            "DescribePhoneNumbers": self._describe_numbers,
            "DescribePools": self._describe_pools,
            "DescribeSpendLimits": self._describe_spend_limits,
            "DescribeAccountAttributes": self._describe_account,
            "DescribeConfigurationSets": self._describe_sets,
        }.get(operation)
        return OK, describe(call) if describe else Rejection("UnknownOperationException", "", 404)

    def _send(self, call: dict[str, Any]) -> tuple[Behaviour, dict[str, Any] | Rejection]:
        self.requests += 1
        to, body, parts = call["DestinationPhoneNumber"], call.get("MessageBody", ""), parts_of(call.get("MessageBody"))
        behaviour = self.recipients.get(to) or (self.script.popleft() if self.script else None)
        behaviour = behaviour or (self.choose() if self.choose else OK)
        origin = self._origin(call.get("OriginationIdentity"), to)
        problem = behaviour.rejection or self._refusal(call, body, parts, origin)
        if problem or isinstance(origin, Rejection):
            return behaviour, problem or origin
        if call.get("DryRun"):
            self.dry_runs += 1
            return behaviour, {"MessageId": str(uuid.uuid4())}
        if too_fast := self._too_fast(origin, parts):
            self.throttled += 1
            return behaviour, too_fast
        text = Text(
            str(uuid.uuid4()),
            to,
            body,
            parts,
            origin.number,
            call.get("OriginationIdentity"),
            call.get("Context", {}),
            call.get("ConfigurationSetName"),
            call.get("MaxPrice"),
            call.get("TimeToLive"),
            time.time(),
            behaviour.end == "answer",
        )
        if behaviour.accepted:
            if self.keep:
                self.sent.append(text)
            if self.on_sent:
                self.on_sent(text)
        return behaviour, {"MessageId": text.message_id}

    def _origin(self, identity: str | None, to: str) -> Number | Rejection:
        """The number behind a name; of a pool always the same one for a person."""
        if identity is None:
            named = self.numbers
        else:
            bare = identity.lstrip("+")
            named = [each for each in self.numbers if bare in (each.number.lstrip("+"), each.id, each.arn)]
            pool = next((each for each in self.pools if identity in (each.id, each.arn)), None)
            if not named and pool is None:
                kind = "pool" if identity.startswith("pool-") or ":pool/" in identity else "phone-number"
                more = {"ResourceType": kind, "ResourceId": identity}
                return Rejection("ResourceNotFoundException", f"Resource not found: {identity}", 400, more)
            named = named or list(pool.numbers if pool else ())
        if not named:
            return conflict("NO_ORIGINATION_IDENTITIES_FOUND")
        return named[int(re.sub(r"\D", "", to)) % len(named)]

    def _refusal(self, call: dict[str, Any], body: str, parts: int, origin: Number | Rejection) -> Rejection | None:
        to, wanted = call["DestinationPhoneNumber"], call.get("ConfigurationSetName")
        limit = MAX_GSM_CHARACTERS if is_gsm(body) else MAX_OTHER_CHARACTERS
        if not body:
            return validation("MISSING_PARAMETER", "MessageBody")
        if wanted is not None and wanted.rpartition("/")[2] not in self.configuration_sets:
            more = {"ResourceType": "configuration-set", "ResourceId": wanted}
            return Rejection("ResourceNotFoundException", f"Resource not found: {wanted}", 400, more)
        if isinstance(origin, Rejection):
            return origin
        if sum(2 if each in _GSM_PAIRS else 1 for each in body) > limit if is_gsm(body) else len(body) > limit:
            return validation("MAXIMUM_SIZE_EXCEEDED", "MessageBody")
        if origin.status != "ACTIVE":
            return conflict("RESOURCE_NOT_ACTIVE")
        if "SMS" not in origin.capabilities:
            return conflict("NUMBER_CAPABILITIES_MISMATCH")
        if call.get("MessageType", origin.message_type) != origin.message_type:
            return conflict("MESSAGE_TYPE_MISMATCH")
        if not to.startswith("+1") and not origin.international:
            return validation("INVALID_IDENTITY_FOR_DESTINATION_COUNTRY", "OriginationIdentity")
        if blocked := next((why for prefix, why in self.blocked_countries.items() if to.startswith(prefix)), None):
            return (conflict if "PROTECT" in blocked else validation)(blocked)
        if to in self.opted_out:
            return conflict("DESTINATION_PHONE_NUMBER_OPTED_OUT")
        if self.verified is not None and to not in self.verified:
            return conflict("DESTINATION_PHONE_NUMBER_NOT_VERIFIED")
        if "MaxPrice" in call and parts * self.price > float(call["MaxPrice"]):
            return validation("PRICE_OVER_THRESHOLD", "MaxPrice")
        return None

    def _too_fast(self, origin: Number, parts: int) -> Rejection | None:
        """A second's worth of parts may be saved up; a text that is longer than what is left waits in AWS."""
        if origin.rate is None:
            return None
        now = time.monotonic()
        credit, at = self._credits.get(origin.number, (origin.rate + 1, now))
        credit = min(credit + (now - at) * origin.rate, origin.rate + 1)
        enough = credit >= min(parts, origin.rate)
        self._credits[origin.number] = (credit - parts if enough else credit, now)
        return None if enough else TOO_FAST.rejection

    # -- What it has -----------------------------------------------------------------------------------------------

    def _describe_numbers(self, call: dict[str, Any]) -> dict[str, Any] | Rejection:
        every = [*self.numbers, *(number for pool in self.pools for number in pool.numbers)]
        wanted = call.get("PhoneNumberIds")
        found = [each for each in every if not wanted or each.id in wanted or each.arn in wanted]
        if wanted and len(found) < len(wanted):
            return _missing("phone-number", wanted[0])
        return {"PhoneNumbers": [self._number(each) for each in found]}

    def _number(self, each: Number) -> dict[str, Any]:
        limits = {} if each.rate is None else {"MessagingLimits": {"RateLimits": {"SMS": int(each.rate)}}}
        pool = next(({"PoolId": pool.id} for pool in self.pools if each in pool.numbers), {})
        return {
            "PhoneNumberArn": each.arn,
            "PhoneNumberId": each.id,
            "PhoneNumber": each.number,
            "Status": each.status,
            "IsoCountryCode": each.country,
            "MessageType": each.message_type,
            "NumberCapabilities": list(each.capabilities),
            "NumberType": each.kind,
            "MonthlyLeasingPrice": "1.00",
            "TwoWayEnabled": False,
            "SelfManagedOptOutsEnabled": False,
            "OptOutListName": "Default",
            "DeletionProtectionEnabled": False,
            "CreatedTimestamp": 1_790_000_000,
            **limits,
            **pool,
        }

    def _describe_pools(self, call: dict[str, Any]) -> dict[str, Any] | Rejection:
        wanted = call.get("PoolIds")
        found = [each for each in self.pools if not wanted or each.id in wanted or each.arn in wanted]
        if wanted and len(found) < len(wanted):
            return _missing("pool", wanted[0])
        return {"Pools": [_pool(each) for each in found]}

    def _describe_spend_limits(self, _: dict[str, Any]) -> dict[str, Any]:
        limit = {"EnforcedLimit": self.spend_limit, "MaxLimit": self.spend_limit, "Overridden": False}
        return {"SpendLimits": [{"Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT", **limit}]}

    def _describe_account(self, _: dict[str, Any]) -> dict[str, Any]:
        tier = "PRODUCTION" if self.verified is None else "SANDBOX"
        return {"AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": tier}]}

    def _describe_sets(self, call: dict[str, Any]) -> dict[str, Any] | Rejection:
        wanted = call.get("ConfigurationSetNames") or sorted(self.configuration_sets)
        unknown = [name for name in wanted if name not in self.configuration_sets]
        if unknown:
            return _missing("configuration-set", unknown[0])
        arn = f"arn:aws:sms-voice:{REGION}:{ACCOUNT}:configuration-set/"
        made = {"EventDestinations": [], "CreatedTimestamp": 1_790_000_000}
        return {
            "ConfigurationSets": [
                {"ConfigurationSetArn": arn + name, "ConfigurationSetName": name, **made} for name in wanted
            ]
        }


def _pool(pool: Pool) -> dict[str, Any]:
    return {
        "PoolArn": pool.arn,
        "PoolId": pool.id,
        "Status": pool.status,
        "MessageType": pool.message_type,
        "TwoWayEnabled": False,
        "SelfManagedOptOutsEnabled": False,
        "OptOutListName": "Default",
        "SharedRoutesEnabled": False,
        "DeletionProtectionEnabled": False,
        "CreatedTimestamp": 1_790_000_000,
    }


def conflict(reason: str) -> Rejection:
    return Rejection("ConflictException", f"Conflict: {reason}", 400, {"Reason": reason})


def validation(reason: str, *names: str) -> Rejection:
    fields = [{"Name": name, "Message": f"{name} is not valid"} for name in names]
    return Rejection("ValidationException", "1 validation error detected", 400, {"Reason": reason, "Fields": fields})


def _missing(kind: str, identity: str) -> Rejection:
    more = {"ResourceType": kind, "ResourceId": identity}
    return Rejection("ResourceNotFoundException", f"Resource not found: {identity}", 400, more)


# -- Parameters ----------------------------------------------------------------------------------------------------
@cache
def model() -> botocore.model.ServiceModel:
    """The SDK's description of the API."""
    found = botocore.loaders.Loader().load_service_model("pinpoint-sms-voice-v2", "service-2")
    return botocore.model.ServiceModel(found)


def invalid(operation: str, call: Mapping[str, Any]) -> Rejection | None:
    """Why a call is not what the model says; None if it is."""
    if operation not in model().operation_names:
        return Rejection("UnknownOperationException", "", 404)
    shape = model().operation_model(operation).input_shape
    bad = sorted(_problems(shape, call, operation)) if shape else []
    return validation("FIELD_VALIDATION_FAILED", *bad) if bad else None


def _problems(shape: Any, value: Any, name: str) -> set[str]:
    limits, kind = shape.metadata, shape.type_name
    if kind == "structure":
        found = {each for each in (*shape.required_members, *value) if (each in value) != (each in shape.members)}
        return found | {bad for each in value if each in shape.members
                        for bad in _problems(shape.members[each], value[each], each)}  # fmt: skip
    if kind == "map":
        inside = [(shape.key, key) for key in value] + [(shape.value, each) for each in value.values()]
        bad = any(_problems(each, what, name) for each, what in inside)
        return {name} if bad or _outside(limits, len(value)) else set()
    if kind == "list":
        bad = any(_problems(shape.member, each, name) for each in value)
        return {name} if bad or _outside(limits, len(value)) else set()
    if kind == "string":
        pattern, enum = limits.get("pattern"), limits.get("enum")
        bad = not isinstance(value, str) or _outside(limits, len(value))
        bad = bad or bool(pattern and not re.fullmatch(pattern, value)) or bool(enum and value not in enum)
        return {name} if bad else set()
    if kind in ("integer", "long"):
        return {name} if not isinstance(value, int) or _outside(limits, value) else set()
    return set()


def _outside(limits: Mapping[str, Any], number: float) -> bool:
    return not limits.get("min", number) <= number <= limits.get("max", number)


# -- Parts: by 3GPP TS 23.038 and 23.040 ---------------------------------------------------------------------------
def is_gsm(body: str) -> bool:
    return all(each in _GSM or each in _GSM_PAIRS for each in body)


def parts_of(body: str | None) -> int:
    """What a carrier charges; pairs (of an escape, of surrogates) stay together."""
    units = [2 if each in _GSM_PAIRS or (not is_gsm(body or "") and ord(each) > 0xFFFF) else 1 for each in body or ""]
    alone, each = (160, 153) if is_gsm(body or "") else (70, 67)
    return 1 if sum(units) <= alone else _filled(units, each)


def _filled(units: Sequence[int], room: int) -> int:
    parts, left = 1, room
    for unit in units:
        if unit > left:
            parts, left = parts + 1, room
        left -= unit
    return parts
