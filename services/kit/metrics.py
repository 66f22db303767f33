"""The metrics that an alarm can stand on, exported over OTLP.

Every one is there from the start, with zero: an alarm that sees nothing knows that it is blind. (A histogram has no
zero: requests are there from the first one.) Attributes name the service and a bounded set (a job, a reader, a status),
never a person, an address or an id.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Counter, Observation

from kit.roles import VAULT

_meter = metrics.get_meter("samtid")

SERVICE = "samtid.service"
JOB = "samtid.job"
READER = "samtid.reader"
LIMIT = "samtid.limit"
MEASURE = "samtid.measure"
# Of whose role: `service`, or `public` where open routes have one of their own.
POOL = "samtid.pool"

# What was not measured anew for so long is told no more; it is measured each ten seconds or so.
KEPT_SECONDS = 60
# Of HTTP's durations in seconds, as the semantic conventions have them: the SDK's own are for milliseconds.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


class Gauge:
    """A gauge that forgets what was not set for `KEPT_SECONDS`.

    The SDK's own tells the last value for ever, and reassures while nobody can know any more.
    """

    def __init__(self, name: str, *, unit: str = "", description: str) -> None:
        self._known: dict[tuple[tuple[str, str], ...], tuple[float, float]] = {}
        _meter.create_observable_gauge(name, [self._observe], unit=unit, description=description)

    def set(self, value: float, attributes: Mapping[str, str]) -> None:
        """Tell `value` from now on."""
        self._known[tuple(sorted(attributes.items()))] = (value, time.monotonic())

    def _observe(self, _: CallbackOptions) -> Iterable[Observation]:
        since = time.monotonic() - KEPT_SECONDS
        # A copy, because whoever exports asks in a thread of its own.
        known = self._known.copy()
        return [Observation(value, dict(attributes)) for attributes, (value, at) in known.items() if at >= since]


_of_services: dict[str, list[tuple[Counter, Sequence[Mapping[str, str]]]]] = {}


def counter(service: str, name: str, *, description: str, series: Iterable[Mapping[str, str]]) -> Counter:
    """A counter of one service's own; `series` are all the attributes that it is added to with."""
    made = metrics.get_meter(service).create_counter(name, description=description)
    _of_services.setdefault(service, []).append((made, tuple(series)))
    return made


requests = _meter.create_histogram(
    "http.server.request.duration",
    unit="s",
    description="requests by method, route template and status",
    explicit_bucket_boundaries_advisory=_BUCKETS,
)
limited = _meter.create_counter("samtid.http.limited", description="requests refused with 429, by limit")
job_failures = _meter.create_counter("samtid.job.failures", description="jobs that failed and began anew, by job")
measure_failures = _meter.create_counter(
    "samtid.measure.failures", description="measurements that could not be made, by what was to be measured"
)
outbox_unpublished = Gauge("samtid.outbox.unpublished", description="events that wait to be published")
outbox_oldest = Gauge(
    "samtid.outbox.oldest.age", unit="s", description="age of the oldest event that waits to be published"
)
reader_pending = Gauge("samtid.reader.pending", description="events that a reader has yet to handle")
reader_oldest = Gauge(
    "samtid.reader.oldest.age", unit="s", description="how long a reader has not moved on while events wait for it"
)
reader_up = Gauge("samtid.reader.up", description="1 while a reader's consumer is there, else 0")
reader_retries = _meter.create_counter("samtid.reader.retries", description="events that were put back, by reader")
dead_letters = _meter.create_counter("samtid.dead_letters", description="events that a reader gave up, by reader")
nats_connected = Gauge("samtid.nats.connected", description="1 while NATS answers, else 0")
pool_in_use = Gauge("samtid.database.pool.in_use", description="connections that are checked out")
pool_size = Gauge("samtid.database.pool.size", description="connections that a process may have")
pool_timeouts = _meter.create_counter("samtid.database.pool.timeouts", description="waits for a connection in vain")
database_failures = _meter.create_counter(
    "samtid.database.failures", description="requests refused because PostgreSQL did not answer"
)
key_stock = Gauge("samtid.keys.stock", description="unused keys at hand; bookings need one each")
key_failures = _meter.create_counter("samtid.keys.failures", description="times the key store did not answer")
question_failures = _meter.create_counter("samtid.question.failures", description="questions that got no answer")
message_oldest_due = Gauge(
    "samtid.messages.oldest_due.age", unit="s", description="how long the message due longest has waited"
)
messages_dead = Gauge("samtid.messages.dead", description="messages of the last seven days that reached nobody")


def begin(
    service: str,
    *,
    jobs: Collection[str],
    readers: Collection[str],
    limits: Collection[str],
    measures: Collection[str],
    keys: bool,
) -> None:
    """Tell zero of all that can be counted in a service, and of all that its readers have not said yet."""
    here = {SERVICE: service}
    for made in (pool_timeouts, database_failures, question_failures):
        made.add(0, here)
    if keys:
        key_failures.add(0, {SERVICE: VAULT})
    for made, attribute, values in (
        (job_failures, JOB, jobs),
        (reader_retries, READER, readers),
        (dead_letters, READER, readers),
        (limited, LIMIT, limits),
        (measure_failures, MEASURE, measures),
    ):
        for value in values:
            made.add(0, {**here, attribute: value})
    for made, series in _of_services.get(service, ()):
        for attributes in series:
            made.add(0, attributes)
    nats_connected.set(0, here)
    for gauge in (reader_up, reader_pending, reader_oldest):
        for reader in readers:
            gauge.set(0, {**here, READER: reader})
