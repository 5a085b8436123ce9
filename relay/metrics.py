"""The doors' metrics. Names are the outer interface; labels never hold a recipient or a user name."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class DoorMetrics:
    """Built once in each process: prometheus_client's multiprocess folder was chosen before the first one started."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.submissions = Counter(
            "relay_submissions_total",
            "Submissions by how they were answered: accepted, repeated (as before), refused or deferred (try again)",
            ("door", "outcome"),
            registry=registry,
        )
        self.accept_seconds = Histogram(
            "relay_accept_seconds",
            "From the last byte of a submission to its commit",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self.smtp_connections = Gauge(
            "relay_smtp_connections",
            "Open SMTP connections",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.auth_failures = Counter(
            "relay_auth_failures_total",
            "Log-ins that failed: credentials, revoked, held (service on hold), throttled (banned for a time), "
            "device (no key for its address), unavailable (nobody could check)",
            ("reason",),
            registry=registry,
        )
