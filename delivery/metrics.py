"""The delivery side's metrics. Names are the outer interface; labels never hold a recipient."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)


class DeliveryMetrics:
    """Built once per process by wiring, after the supervisor chose prometheus_client's multiprocess folder."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.attempts = Counter(
            "delivery_attempts_total",
            "Attempts to hand a message to a provider, by how they ended",
            ("provider", "outcome"),
            registry=registry,
        )
        self.attempt_seconds = Histogram(
            "delivery_attempt_seconds",
            "Length of provider calls",
            ("provider",),
            buckets=_SECONDS[:11],
            registry=registry,
        )
        self.seconds = Histogram(
            "delivery_seconds",
            "From acceptance to a stage of delivery",
            ("channel", "lane", "stage"),
            buckets=_SECONDS,
            registry=registry,
        )
        self.messages = Counter(
            "delivery_messages_total",
            "Messages by the status they reached",
            ("channel", "status"),
            registry=registry,
        )
        self.signatures = Counter(
            "delivery_signatures_checked_total",
            "Outgoing DKIM signatures verified before they left",
            ("outcome",),
            registry=registry,
        )
        for outcome in ("valid", "invalid"):
            self.signatures.labels(outcome)  # there from the start: an alert watches it
        self.unknown_resent = Counter(
            "delivery_unknown_resent_total",
            "Messages sent again because nobody learned how an earlier attempt ended (a possible duplicate each)",
            registry=registry,
        )
