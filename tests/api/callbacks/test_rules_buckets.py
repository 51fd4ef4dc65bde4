import pytest

from api.callbacks.rules import buckets
from api.callbacks.rules.services import Service
from api.callbacks.rules.times import shown
from tests.api.callbacks.house import at, service

FIVE = "_max_request_by_time_bucket = 5\n"


def offered(
    office: Service, when: str, taken: dict[str, int] | None = None, now: str = "2013-01-01T00:00Z"
) -> dict[str, int]:
    counts = {round(at(bucket)): count for bucket, count in (taken or {}).items()}
    return buckets.availability(office, at(when), counts, at(now))


def proposed(
    office: Service, when: str, taken: dict[str, int] | None = None, now: str = "2013-01-01T00:00Z"
) -> dict[str, int]:
    counts = {round(at(bucket)): count for bucket, count in (taken or {}).items()}
    return buckets.proposals(office, at(when), counts, at(now))


def hours(*minutes: str) -> list[str]:
    return [f"2013-06-15T{minute}:00.000Z" for minute in minutes]


def test_the_sample_of_availability() -> None:
    office = service(FIVE + "_request_time_bucket = 15")
    found = offered(office, "2013-06-15T09:00:00Z", {"2013-06-15T09:00Z": 1, "2013-06-15T09:15Z": 1})
    quarters = hours("08:00", "08:15", "08:30", "08:45", "09:00", "09:15", "09:30", "09:45")
    assert list(found.items()) == list(zip(quarters, (5, 5, 5, 5, 4, 4, 5, 5), strict=True))


def test_full_and_past_buckets_are_left_out() -> None:
    office = service(FIVE + "request-time-bucket = 15")
    found = offered(
        office, "2013-06-15T09:07:30Z", {"2013-06-15T09:30Z": 5, "2013-06-15T09:45Z": 9}, "2013-06-15T08:40Z"
    )
    assert list(found) == hours("08:45", "09:00", "09:15")


def test_a_full_bucket_has_its_neighbours_proposed() -> None:
    office = service(FIVE + "_request_time_bucket = 5")
    found = proposed(office, "2013-06-15T16:47Z", {"2013-06-15T16:45Z": 5, "2013-06-15T16:55Z": 2})
    assert list(found.items()) == [
        (minute, 3 if "16:55" in minute else 5)
        for minute in hours("16:25", "16:30", "16:35", "16:40", "16:50", "16:55", "17:00", "17:05")
    ]
    assert list(proposed(office, "2013-06-15T16:47Z", {"2013-06-15T16:45Z": 5}, "2013-06-15T16:40:01Z")) == hours(
        "16:50", "16:55", "17:00", "17:05", "17:10", "17:15", "17:20", "17:25"
    )


@pytest.mark.parametrize(
    ("size", "when", "bucket"),
    [
        (5, "2027-01-26T09:04:59.999Z", "2027-01-26T09:00:00.000Z"),
        (15, "2027-01-26T09:59Z", "2027-01-26T09:45:00.000Z"),
        (20, "2027-01-26T09:59Z", "2027-01-26T09:40:00.000Z"),
        (60, "2027-01-26T10:59+05:45", "2027-01-26T05:00:00.000Z"),
        (120, "2027-01-26T23:59Z", "2027-01-26T22:00:00.000Z"),
    ],
)
def test_buckets_count_from_midnight_in_utc(size: int, when: str, bucket: str) -> None:
    office = service(f"_request_time_bucket = {size}")
    assert shown(buckets.bucket_of(office, at(when))) == bucket
    assert buckets.bucket_of(office, at(when)) in buckets.around(office, at(when))


def test_closed_buckets_are_not_offered() -> None:
    office = service("_request_time_bucket = 30\n_business_hours_service = 'weekdays'\n_max_request_by_time_bucket = 3")
    assert offered(office, "2027-01-26T16:00:00Z") == {
        "2027-01-26T15:00:00.000Z": 3,
        "2027-01-26T15:30:00.000Z": 3,
    }


def test_an_hour_that_clocks_skip_is_not_there_and_one_that_comes_twice_is() -> None:
    night = "[office_hours.night]\n_timezone = 'Europe/Berlin'\n_bh_regular1 = 'Sun 02:00-03:00'\n"
    office = service("_request_time_bucket = 30\n_business_hours_service = 'night'\n", more=night)
    assert offered(office, "2027-03-28T01:00:00Z") == {}
    assert list(offered(office, "2027-10-31T01:00:00Z")) == [
        "2027-10-31T00:00:00.000Z",
        "2027-10-31T00:30:00.000Z",
        "2027-10-31T01:00:00.000Z",
        "2027-10-31T01:30:00.000Z",
    ]


def test_capacity_may_depend_on_the_hour_and_the_date() -> None:
    office = service(
        "_request_time_bucket = 60\n_business_hours_service = 'weekdays'\n_max_request_by_time_bucket = 7\n"
        "capacity = ['Mon-Fri 09:00-11:00 2', '2027-01-26 10:00-11:00 0', '12-24 00:00-24:00 1']"
    )
    tuesday = [office.places(at(f"2027-01-26T{hour}:00:00Z")) for hour in ("08", "09", "10")]
    assert tuesday == [2, 0, 7]
    assert office.places(at("2027-01-27T09:00:00Z")) == 2
    assert office.places(at("2029-12-24T15:00:00Z")) == 1
