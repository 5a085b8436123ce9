"""/healthz, /readyz and /metrics: for probes and Prometheus, never for users."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

Check = Callable[[], Awaitable[str | None]]  # None: fine; else what is wrong, in words without internals
Labels = tuple[tuple[str, str], ...]
Snapshot = Callable[[], Awaitable[Iterable[Metric]]]


def application(checks: dict[str, Check], snapshot: Snapshot) -> Starlette:
    """`checks` decide readiness; `snapshot` gives what is measured at scrape time only."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        results = {name: await check() for name, check in checks.items()}
        ready = not any(results.values())
        body = {name: problem or "ok" for name, problem in results.items()}
        return JSONResponse(body, status_code=200 if ready else 503)

    async def metrics(_: Request) -> Response:
        measured = list(await snapshot())
        text = await run_in_threadpool(_exposition, measured)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)])


class _Measured:
    """Metrics that were just measured, as a collector."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _exposition(measured: list[Metric]) -> bytes:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_Measured(measured))
    return generate_latest(registry)


def gauge(name: str, text: str, values: Mapping[Labels, float]) -> Metric:
    """A gauge family from label pairs to values."""
    labels = [label for label, _ in next(iter(values), ())]
    family = GaugeMetricFamily(name, text, labels=labels)
    for pairs, value in values.items():
        family.add_metric([value for _, value in pairs], value)
    return family
