"""make bench: messages a second and CPU per message, on SQLite and on PostgreSQL, and the parts alone.

Machines are noisy and differ: every figure is the median over rounds, and stands beside a plain aiosmtpd that drops the
same messages, measured in between. Exits with 0 whatever the figures are.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from benchmarks import door, micro
from benchmarks.end_to_end import OTHERS, Round, baseline, installed
from tests.harness.postgres import Postgres, server_binaries

SQLITE = "sqlite+aiosqlite:///{folder}/relay.db"
BAR_PER_SECOND, BAR_CPU_MS, HTTP_BAR_PER_SECOND = 200, 7.0, 200


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--messages", type=int, default=4000, help="per round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=40)
    return parser.parse_args()


def _row(name: str, *cells: object) -> None:
    print(f"{name:<34}" + "".join(f"{cell:>13}" for cell in cells), flush=True)


def _told(name: str, rounds: Sequence[Round], base: tuple[float, float] | None) -> None:
    """A row; without `base` it ends with what the load generator used instead of with ratios."""

    def of(value: str) -> float:
        return float(median(getattr(each, value) for each in rounds))

    rate, cpu_ms, postgres = of("relayed_per_second"), of("cpu_ms"), of("postgres")
    stages = [median(each.stages[stage] for each in rounds) for stage in rounds[0].stages]
    _row(
        name,
        f"{rate:.0f}",
        f"{of('accepted_per_second'):.0f}",
        f"{of('p50_ms'):.0f}",
        f"{of('p99_ms'):.0f}",
        f"{cpu_ms:.2f}",
        *(f"{stage:.2f}" for stage in stages),
        f"{postgres:.2f}" if postgres else "-",
        *((f"{rate / base[0]:.2f}", f"{cpu_ms / base[1]:.1f}") if base else (f"{of('generator'):.2f}",)),
    )


async def _end_to_end(options: argparse.Namespace, name: str, url: str, postgres: Postgres | None) -> None:
    """Both doors, each alone, in turns on one installation; the HTTP door by email and by text."""
    kept: list[Round] = []
    single: list[Round] = []
    http: list[Round] = []
    texts: list[Round] = []
    bases: list[tuple[float, float]] = []
    async with installed(url, options.connections, postgres) as installation:
        await installation.measure(options.connections * 10)  # connections, caches and compiled statements
        await installation.measure_http(options.connections * 10)
        await installation.measure_texts(options.connections * 10)
        for _ in range(options.rounds):
            bases.append(await baseline(options.messages, options.connections))
            kept.append(await installation.measure(options.messages))
            single.append(await installation.measure(options.messages // 4, keep=False))
            http.append(await installation.measure_http(options.messages))
            texts.append(await installation.measure_texts(options.messages))
    base = median(rate for rate, _ in bases), median(cpu_ms for _, cpu_ms in bases)
    _row("aiosmtpd that drops them", "-", f"{base[0]:.0f}", "-", "-", f"{base[1]:.2f}")
    _told(name, kept, base)
    _told(f"{name}, a connection each", single, base)
    rate, cpu_ms = median(r.relayed_per_second for r in kept), median(r.cpu_ms for r in kept)
    met = "met" if rate >= BAR_PER_SECOND and cpu_ms <= BAR_CPU_MS else "MISSED"
    print(f"{'':34} bar {met}: {BAR_PER_SECOND} messages/s end to end, {BAR_CPU_MS:.0f} ms of CPU per message\n")
    _row(*HTTP_COLUMNS)
    for what, rounds in (("email", http), ("text", texts)):
        _told(f"{name}, POST {what} by template", rounds, None)
        met = "met" if median(r.accepted_per_second for r in rounds) >= HTTP_BAR_PER_SECOND else "MISSED"
        print(f"{'':34} bar {met}: {HTTP_BAR_PER_SECOND} requests/s answered with 201\n")


COLUMNS = (
    *("end to end", "relayed/s", "accepted/s", "p50 ms", "p99 ms", "CPU ms/msg"),
    *("door", "worker", "supervisor", "PostgreSQL"),
)
HTTP_COLUMNS = ("HTTP door", *COLUMNS[1:], "generator")


def _of_one_door(rounds: int) -> None:
    """Ratios are of figures taken right after each other, so that a busy machine weighs on both."""
    print("One door, SQLite: CPU ms per message; the generator has a core of its own, the rest shares the others")
    _row("", "stock", "uvloop stock", "STARTTLS", "TLS", "ratio", "ratio, TLS", "worker", "supervisor", "generator")
    for case, found in asyncio.run(door.compared(SQLITE, rounds)).items():

        def of(value: Callable[[door.Costs], float], found: Sequence[door.Costs] = found) -> float:
            return median(map(value, found))

        ratio = of(lambda costs: costs.starttls.stages["door"] / costs.stock)
        _row(
            case.name,
            f"{of(lambda costs: costs.stock):.2f}",
            f"{of(lambda costs: costs.stock_uvloop):.2f}",
            f"{of(lambda costs: costs.starttls.stages['door']):.2f}",
            f"{of(lambda costs: costs.tls.stages['door']):.2f}",
            f"{ratio:.2f}",
            f"{of(lambda costs: costs.tls.stages['door'] / costs.stock):.2f}",
            f"{of(lambda costs: costs.starttls.stages['worker']):.2f}",
            f"{of(lambda costs: costs.starttls.stages[OTHERS]):.2f}",
            f"{of(lambda costs: costs.starttls.generator):.2f}",
        )
        print(f"{'':34} bar {'met' if ratio <= case.bar else 'MISSED'}: {case.bar} of stock aiosmtpd\n")


def _parts(rounds: int, postgres_url: str | None) -> None:
    print("\nParts alone: CPU ms per message (2 KB of HTML; transactions of 32 messages)")
    _row("prepare: headers, sender, branding", f"{median(micro.preparing() for _ in range(rounds)):.3f}")
    large = 10_000_000
    ours, theirs = (
        median(work(large, 3) for _ in range(rounds)) for work in (micro.preparing, micro.parsing_and_writing)
    )
    _row("prepare: 10 MB with a file", f"{ours:.0f}")
    _row("parse and write by `email`: the same", f"{theirs:.0f}")
    _row("sign: DKIM, RSA 2048", f"{median(micro.signing() for _ in range(rounds)):.3f}")
    with tempfile.TemporaryDirectory() as folder:
        urls = {"SQLite": micro.sqlite_url(Path(folder))} | ({"PostgreSQL": postgres_url} if postgres_url else {})
        for name, url in urls.items():
            found = [asyncio.run(micro.storing_and_delivering(url)) for _ in range(rounds)]
            _row(f"put, {name}", f"{median(put for put, _ in found):.3f}")
            _row(f"claim, load, attempt, record, {name}", f"{median(deliver for _, deliver in found):.3f}")


def main() -> None:
    options = _options()
    print(
        f"{os.cpu_count()} cores, {options.rounds} rounds of {options.messages} messages of 2 KB, TLS and AUTH, "
        f"{options.connections} connections, 2 door and 2 worker processes, fake SES on this machine.\n"
        "Rates include load generator and fake SES, which share the cores; CPU does not. Ratios are to aiosmtpd.\n"
        "HTTP door: POST email or text by template, connections kept, no TLS, a new JWT for each request; accepted =\n"
        "201, on disk. Workers fill, brand, sign and send meanwhile, on the same cores; texts go to the outbox, each\n"
        "flushed to disk: no provider's pace holds them back. CPU ms/msg is of all our processes; door is the part\n"
        "that answers. The generator's CPU stands apart and is not in it.\n"
    )
    _of_one_door(options.rounds)
    _row(*COLUMNS, "rate ratio", "CPU ratio")
    asyncio.run(_end_to_end(options, "SQLite", SQLITE, None))
    binaries = server_binaries()
    if binaries is None:
        print("NOT MEASURED ON POSTGRESQL: no server binaries here (Debian: apt-get install postgresql)")
        _parts(options.rounds, None)
        return
    server = Postgres(binaries, fsync=True)
    try:
        server.start()
        asyncio.run(_end_to_end(options, "PostgreSQL", server.create_database(), server))
        _parts(options.rounds, server.create_database())
    finally:
        server.stop()


if __name__ == "__main__":
    main()
