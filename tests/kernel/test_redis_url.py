import re

import pytest

from hub.kernel.redis_url import Host, Kind, parse
from hub.kernel.secret import Secret


def test_a_plain_host() -> None:
    url = parse(Secret("redis://127.0.0.1"))
    assert (url.kind, url.hosts, url.database, url.tls) == (Kind.SINGLE, (Host("127.0.0.1", 6379),), 0, False)
    assert (url.login.user, url.login.password) == ("default", None)


def test_everything_a_single_redis_can_have() -> None:
    url = parse(Secret("rediss://hub:p%40ss%2Fw%3Ard@[::1]:7000/3?ssl_ca_certs=/ca.pem&ssl_certfile=/c&ssl_keyfile=/k"))
    assert url.hosts == (Host("::1", 7000),)
    assert str(url.hosts[0]) == "[::1]:7000"
    assert (url.database, url.tls, url.ca_file, url.certificate_file, url.key_file) == (3, True, "/ca.pem", "/c", "/k")
    assert (url.login.user, url.login.password) == ("hub", Secret("p@ss/w:rd"))


def test_a_password_alone_is_that_of_the_default_user() -> None:
    assert parse(Secret("redis://:pw@h")).login.user == "default"
    assert parse(Secret("redis://:pw@h")).login.password == Secret("pw")


def test_sentinels() -> None:
    url = parse(Secret("redis+sentinel://hub:pw@a:1,b,[::2]:3/my%2Fservice/2?sentinel_username=s&sentinel_password=q"))
    assert (url.kind, url.service, url.database) == (Kind.SENTINEL, "my/service", 2)
    assert url.hosts == (Host("a", 1), Host("b", 26379), Host("::2", 3))
    assert (url.sentinel_login.user, url.sentinel_login.password) == ("s", Secret("q"))
    assert url.login.password == Secret("pw")


def test_a_cluster() -> None:
    url = parse(Secret("rediss+cluster://a:1,b"))
    assert (url.kind, url.hosts, url.tls) == (Kind.CLUSTER, (Host("a", 1), Host("b", 6379)), True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http://h", "must begin with redis://"),
        ("h:6379", "must begin with redis://"),
        ("redis+raft://h", "must begin with redis://"),
        ("redis://", "needs a host"),
        ("redis://user@", "needs a host"),
        ("redis://a,b", "several hosts"),
        ("redis://a b", "needs a host"),
        ("redis://h:0", "no valid port after the host h"),
        ("redis://h:65536", "no valid port"),
        ("redis://h:x", "no valid port"),
        ("redis://h/x", "number of a database"),
        ("redis://h/-1", "number of a database"),
        ("redis://user@h", "user without a password"),
        ("redis://h?ssl_ca_certs=/ca", "takes no parameters"),
        ("rediss://h?ssl_cert_reqs=none", "takes ssl_ca_certs, ssl_certfile, ssl_keyfile"),
        ("redis+sentinel://h", "needs the name of the service"),
        ("redis+cluster://h/1", "a cluster has only number 0"),
    ],
)
def test_faults_are_said(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(Secret(text))


@pytest.mark.parametrize(
    "text", ["redis://u:hunter2@h:x", "redis://u:hunter2@", "nothing://u:hunter2@h", "redis://u:hunter2@h/x"]
)
def test_a_fault_shows_no_password(text: str) -> None:
    with pytest.raises(ValueError, match=r"needs|must|port") as fault:
        parse(Secret(text))
    assert "hunter2" not in str(fault.value)
