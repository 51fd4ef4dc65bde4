"""Buckets: a service takes so many scheduled callbacks in each piece of time, counted from midnight UTC.

A bucket is named by its beginning, in whole Unix seconds. It is offered while the office is open at its beginning,
which lies ahead. So a bucket in an hour that the clocks skip is never offered, and one in an hour that comes twice is
another one each time.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from api.callbacks.rules.services import Service
from api.callbacks.rules.times import shown

AROUND: Final = 3600
MOST_PROPOSALS: Final = 8


def size_of(service: Service) -> int:
    """Seconds."""
    return service.options.request_time_bucket * 60


def bucket_of(service: Service, at: float) -> int:
    """The bucket of an instant. All sizes divide a day, and Unix time begins at midnight UTC."""
    size = size_of(service)
    return int(at // size) * size


def around(service: Service, at: float) -> range:
    """The buckets from an hour before to an hour after an instant; never fewer than its own."""
    size, middle = size_of(service), bucket_of(service, at)
    reach = AROUND // size * size
    return range(middle - reach, max(middle + reach, middle + size), size)


def left(service: Service, bucket: int, taken: Mapping[int, int], now: float) -> int:
    """Places left in a bucket; 0 where it is over, closed or full."""
    if bucket < now or service.why_closed(bucket) is not None:
        return 0
    return max(0, service.places(bucket) - taken.get(bucket, 0))


def availability(service: Service, at: float, taken: Mapping[int, int], now: float) -> dict[str, int]:
    """What is offered around an instant: beginning of the bucket and places, earliest first."""
    return dict(_offered(service, around(service, at), taken, now))


def proposals(service: Service, at: float, taken: Mapping[int, int], now: float) -> dict[str, int]:
    """The nearest buckets with places around an instant whose own is full, earliest first."""
    wanted = bucket_of(service, at)
    free = [each for each in around(service, at) if left(service, each, taken, now)]
    nearest = sorted(free, key=lambda bucket: (abs(bucket - wanted), bucket))[:MOST_PROPOSALS]
    return dict(_offered(service, sorted(nearest), taken, now))


def _offered(
    service: Service, buckets: range | list[int], taken: Mapping[int, int], now: float
) -> Iterator[tuple[str, int]]:
    for bucket in buckets:
        if places := left(service, bucket, taken, now):
            yield shown(bucket), places
