"""The delivery side's metrics. Names are the outer interface; labels never hold a recipient."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from config.providers import EmailProvider, SmsProvider
from delivery.store.base import EventKind, MailFate
from delivery.store.reputations import Level, Measure

_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)


class DeliveryMetrics:
    """Built once in each process: prometheus_client's multiprocess folder was chosen before the first one started."""

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
        self.suppressed = Counter(
            "delivery_suppressed_total",
            "Messages that ended unsent, for their recipients must not be written to",
            ("channel", "reason"),
            registry=registry,
        )
        self.events = Counter(
            "delivery_events_total",
            "What providers told of messages, each thing once",
            ("provider", "kind"),
            registry=registry,
        )
        self.event_fates = Counter(
            "delivery_event_fates_total",
            "What became of all that was told, also again, unreadably or by somebody else",
            ("fate",),
            registry=registry,
        )
        self.inbound = Counter(
            "delivery_inbound_texts_total", "Texts that people sent to our numbers", registry=registry
        )
        self.inbound_mail = Counter(
            "delivery_inbound_mail_total",
            "Mail that people sent to services' addresses: answered, or why it was not",
            ("fate",),
            registry=registry,
        )
        self.miscounted = Counter(
            "delivery_texts_miscounted_total",
            "Texts that took other parts than were counted when they were accepted",
            registry=registry,
        )
        self.holds = Counter(
            "delivery_provider_holds_total",
            "Messages that a provider turned away because it sends nothing of ours until somebody mends it",
            ("provider", "reason"),
            registry=registry,
        )
        for kind in EventKind:
            for provider in (EmailProvider.SES, SmsProvider.AWS):
                self.events.labels(provider.value, kind.value)
        for provider, reason in ((EmailProvider.SES, "ses_sending_paused"), (SmsProvider.AWS, "sms_spend_limit")):
            self.holds.labels(provider.value, reason)
        for mail_fate in MailFate:
            self.inbound_mail.labels(mail_fate.value)
        for fate in ("unreadable", "refused"):
            self.event_fates.labels(fate)
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


class GuardMetrics:
    """How services' mail is received, as it was judged. Built once per process, like DeliveryMetrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.judgements = Counter(
            "delivery_reputation_judgements_total",
            "Services whose bounces or complaints were judged anew: warned of, held, or fine again",
            ("measure", "level"),
            registry=registry,
        )
        for measure in Measure:
            for level in Level:
                self.judgements.labels(measure.value, level.value)
        self.slowed = Counter(
            "delivery_keys_slowed_total",
            "Keys that are slowed since they sent ten times what they sent in their busiest hour",
            registry=registry,
        )


class CallbackMetrics:
    """What services are told. Built once per process, like DeliveryMetrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.callbacks = Counter(
            "callbacks_total",
            "Calls to services' receivers, by how they ended",
            ("outcome",),
            registry=registry,
        )
        for outcome in ("done", "deferred", "failed", "removed"):
            self.callbacks.labels(outcome)
        self.urls = Counter(
            "callback_urls_total",
            "Callback URLs that were suspended, for nothing was done there for a day, and resumed",
            ("change",),
            registry=registry,
        )
        for change in ("suspended", "resumed"):
            self.urls.labels(change)
        self.seconds = Histogram(
            "callback_seconds",
            "Length of calls to services' receivers",
            buckets=_SECONDS[:9],
            registry=registry,
        )
