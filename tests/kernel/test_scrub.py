import pytest

from hub.kernel.scrub import scrub, scrub_named, scrub_text

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"GET /cometd?access_token={JWT}&x=1",
        f"GET /cometd?x=1&access_token={JWT}",
        f"GET /cometd?access%5Ftoken={JWT}",
        f"Authorization: Bearer {JWT}",
        f"authorization: bearer  {JWT}, next",
        f"Authorization: {JWT}",
        f'{{"ext":{{"authentication":{{"token":"{JWT}"}}}}}}',
        f"Bearer%20{JWT}",
        f"token {JWT} refused",
    ],
)
def test_no_form_of_a_token_remains(text: str) -> None:
    clean = scrub_text(text)
    for part in JWT.split("."):
        assert part not in clean
    assert "***" in clean


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Basic aHVudGVyMg==",
        "POST /token client_secret=aHVudGVyMg==&grant_type=x",
        "password = 'aHVudGVyMg=='",
        '{"password":"aHVudGVyMg=="}',
        '{"clientSecret": "aHVudGVyMg=="}',
        "{'newPassword': 'aHVudGVyMg=='}",
        "postgresql://hub:aHVudGVyMg==@db/hub",
        "redis://:aHVudGVyMg==@cache:6379/0",
        "access_token%3DaHVudGVyMg==",
    ],
)
def test_no_password_remains(text: str) -> None:
    assert "aHVudGVyMg" not in scrub_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "session ended: expired",
        "GET /api/v2/notifications?clientId=abc HTTP/1.1",
        "hub.kernel.settings loaded",
        "https://hub.example:8080/api/v2/me",
        "token expired",
        "mail to alice@example.org refused",
        "eyes.on.you",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert scrub_text(text) == text


def test_containers_are_cleaned_in_depth() -> None:
    value = {"headers": [("x", f"Bearer {JWT}")], "raw": b"password=hunter2", "n": 3, "deep": {"apiKey": "hunter2"}}
    assert scrub(value) == {"headers": [["x", "Bearer ***"]], "raw": "password=***", "n": 3, "deep": {"apiKey": "***"}}


def test_other_objects_are_cleaned_as_their_repr() -> None:
    assert scrub(ValueError("password=hunter2")) == "ValueError('password=***')"


@pytest.mark.parametrize(
    "name", ["password", "Authorization", "access_token", "newPassword", "set-cookie", "api-key", "X-OtpCode"]
)
def test_what_is_called_a_secret_is_masked_whole(name: str) -> None:
    assert scrub_named(name, {"x": "hunter2"}) == "***"
    assert scrub_named(name, None) is None


@pytest.mark.parametrize("name", ["user", "tokens_left", "event", "reason"])
def test_other_names_are_not(name: str) -> None:
    assert scrub_named(name, "x") == "x"


def test_cycles_and_depth_end() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    assert "…" in str(scrub(cycle))


def test_hostile_text_takes_linear_time() -> None:
    for text in ("ey" * 100_000, "password" * 50_000, "bearer " * 50_000, "://" * 50_000, "a:" * 100_000):
        scrub_text(text)
