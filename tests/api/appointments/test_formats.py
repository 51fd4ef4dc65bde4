"""How values are written by clients, and by us."""

import pytest

from api.appointments.rules import formats
from hub.kernel.errors import BadInput


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2022-01-31T19:00:00.0Z", "2022-01-31T19:00:00.0Z"),
        ('"2022-01-31T19:00:00.0Z"', "2022-01-31T19:00:00.0Z"),
        ("2022-01-31T19:00:00Z", "2022-01-31T19:00:00.0Z"),
        ("2022-01-31T19:00:00z", "2022-01-31T19:00:00.0Z"),
        ("2022-01-31T20:00:00+01:00", "2022-01-31T19:00:00.0Z"),
        ("2022-01-31T13:30:00.25-0530", "2022-01-31T19:00:00.25Z"),
        ("2022-01-31T19:00:00.123456789Z", "2022-01-31T19:00:00.123456Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0Z"),
    ],
)
def test_instants(text: str, written: str) -> None:
    assert formats.instant_text(formats.instant(text, "start")) == written


@pytest.mark.parametrize(
    "text",
    [
        *("", "2022-01-31", "2022-01-31T19:00:00", "2022-01-31T19:00Z", "2022-02-30T19:00:00Z", "now"),
        *("2022-01-31T24:00:00Z", "2022-01-31T19:00:00.Z", "2022-01-31T19:00:00.1234567890Z"),
        *("2022-01-31T19:00:00+24:00", "2022-01-31T19:00:00+01:60", "0000-01-01T00:00:00Z"),
        *("9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "٢٠٢٢-01-31T19:00:00Z"),
    ],
)
def test_other_texts_are_no_instants(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        formats.instant(text, "start")
    assert refused.value.pointer == "/start"


@pytest.mark.parametrize(
    ("text", "stored", "written"),
    [
        (None, "en-US", "en_US"),
        ("", "en-US", "en_US"),
        ('"en-GB"', "en-GB", "en_GB"),
        ("el_gr", "el-GR", "el_GR"),
        ("DE", "de", "de"),
        ("zh-hant-tw", "zh-Hant-TW", "zh_Hant_TW"),
        ("es_419", "es-419", "es_419"),
    ],
)
def test_locales(text: str | None, stored: str, written: str) -> None:
    assert formats.locale(text) == stored
    assert formats.locale_text(stored) == written


@pytest.mark.parametrize("text", ["e", "english", "en-", "en GB", "en-GB-x", "../en"])
def test_other_texts_are_no_locales(text: str) -> None:
    with pytest.raises(BadInput):
        formats.locale(text)
