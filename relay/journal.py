"""What is counted and logged of a submission: one line for each, the same for every door.

Never a recipient, content, a user name, a key or an exception's text.
"""

import structlog

from auth.principal import Principal
from relay.accept import Accepted
from relay.metrics import DoorMetrics


class Journal:
    """One per process of a door."""

    def __init__(self, metrics: DoorMetrics) -> None:
        self._metrics = metrics
        self._log = structlog.get_logger()

    def accepted(
        self,
        accepted: Accepted,
        principal: Principal,
        *,
        door: str,
        client: str,
        client_ip: str,
        size_bytes: int,
        seconds: float,
    ) -> None:
        """On disk, now or before. `client` is what it calls itself, `seconds` how long it waited for this."""
        self._metrics.submissions.labels(door, "repeated" if accepted.repeated else "accepted").inc()
        self._metrics.accept_seconds.observe(seconds)
        said = {
            "group_id": str(accepted.group_id),
            **_who(principal, door),
            "client": client,
            "client_ip": client_ip,
            "channels": sorted({message.channel.value for message in accepted.messages}),
            "recipients": accepted.recipients,
            "repeated": accepted.known,
            "size_bytes": size_bytes,
            "seconds": round(seconds, 4),
            **accepted.remarks,
        }
        if accepted.repeated:
            self._log.info("message.repeated", **said)
        else:
            self._log.info("message.accepted", **said)

    def refused(
        self, principal: Principal, *, door: str, stage: str, temporary: bool, code: int, **answered: str
    ) -> None:
        """Nothing was stored. `answered` is what the client is told beside the code, in its protocol's words."""
        self._metrics.submissions.labels(door, "deferred" if temporary else "refused").inc()
        self._log.info("message.refused", **_who(principal, door), stage=stage, code=code, **answered)

    def not_told(self, accepted: Accepted, principal: Principal, *, door: str) -> None:
        """The client left before the reply to its message: it will probably send it again."""
        self._log.warning("message.reply_not_delivered", group_id=str(accepted.group_id), **_who(principal, door))


def _who(principal: Principal, door: str) -> dict[str, str]:
    key = principal.key
    return {"door": door, "service_id": str(key.service_id), "key_id": str(key.id), "key_type": str(key.type)}
