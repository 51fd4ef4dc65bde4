from typing import Any

import pytest

from api.services.java import text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is, {a=b}", "as it is, {a=b}"),
        ({"street": "mystreet", "city": "mycity"}, "{street=mystreet, city=mycity}"),
        (["9002@SIP_Switch", "5555666"], "[9002@SIP_Switch, 5555666]"),
        ({"a": {"b": [1, None, True]}, "c": []}, "{a={b=[1, null, true]}, c=[]}"),
        ({}, "{}"),
        (False, "false"),
        (12345678901234567890, "12345678901234567890"),
        (1.5, "1.5"),
        (0.0, "0.0"),
        (1e10, "1.0E10"),
        (-2.5e-7, "-2.5E-7"),
        (1e308, "1.0E308"),
        (1.25e7, "1.25E7"),
    ],
)
def test_values_look_as_in_java(value: Any, text: str) -> None:
    assert text_of(value) == text
