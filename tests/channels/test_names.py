import string
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.names import MAX_LENGTH, intersect, is_pattern, is_valid, matches, patterns_of

CONCRETE = {
    "two characters": "/a",
    "one of the four": "/v2/me/calls",
    "letters of the specification": "/Az09-_!~()$@/x",
    "further letters seen in the field": "/a b/#/+/x.y/{z}",
    "dots mean nothing": "/../.",
    "longest": "/" + "a" * (MAX_LENGTH - 1),
}
PATTERNS = {
    "everything": "/**",
    "first level": "/*",
    "one segment": "/v2/me/*",
    "any depth": "/v2/me/**",
    "longest pattern": "/" + "a" * (MAX_LENGTH - 4) + "/**",
}
INVALID = {
    "empty": "",
    "slash alone": "/",
    "no slash": "v2/me",
    "space first": " /v2/me",
    "double slash": "/v2//me",
    "double slash first": "//v2",
    "trailing slash": "/v2/me/",
    "slashes alone": "////",
    "wildcard in the middle": "/v2/*/calls",
    "double wildcard in the middle": "/v2/**/calls",
    "wildcard first": "/*/calls",
    "three asterisks": "/v2/***",
    "asterisk inside": "/v2/m*",
    "asterisk before letters": "/v2/*e",
    "two wildcards": "/v2/*/*",
    "slash after wildcard": "/v2/*/",
    "newline at the end": "/v2/me\n",
    "newline inside": "/v2\n/me",
    "carriage return": "/v2/me\r",
    "nul": "/v2/me\0",
    "tab": "/v2/\tme",
    "escape": "/v2/\x1bme",
    "delete": "/v2/me\x7f",
    "c1 control": "/v2/me\x85",
    "accent": "/v2/mé",
    "full-width solidus": "/v2\uff0fme",
    "cyrillic look-alike": "/v2/m\u0435",
    "zero width space": "/v2/me\u200b",
    "right-to-left mark": "/v2/\u202eme",
    "line separator": "/v2/me\u2028",
    "arabic digit": "/v\u0662/me",
    "lone surrogate": "/v2/\ud800",
    "backslash": "/v2\\me",
    "percent": "/v2%2Fme",
    "question mark": "/v2/me?x",
    "quote": '/v2/"me"',
    "comma": "/v2/me,/v2/users",
    "one too long": "/" + "a" * MAX_LENGTH,
    "pattern one too long": "/" + "a" * (MAX_LENGTH - 3) + "/**",
    "megabyte of slashes": "/" * 1_000_000,
}


@pytest.mark.parametrize("name", (CONCRETE | PATTERNS).values(), ids=(CONCRETE | PATTERNS).keys())
def test_valid(name: str) -> None:
    assert is_valid(name)


@pytest.mark.parametrize("name", INVALID.values(), ids=INVALID.keys())
def test_invalid(name: str) -> None:
    assert not is_valid(name)


@pytest.mark.parametrize("code", range(32), ids=lambda code: f"u{code:04x}")
def test_no_control_character_is_valid_anywhere(code: int) -> None:
    assert not any(is_valid(name) for name in (f"{chr(code)}/a", f"/{chr(code)}", f"/a{chr(code)}b", f"/a{chr(code)}"))


@pytest.mark.parametrize("name", PATTERNS.values(), ids=PATTERNS.keys())
def test_patterns_are_patterns(name: str) -> None:
    assert is_pattern(name)


@pytest.mark.parametrize("name", CONCRETE.values(), ids=CONCRETE.keys())
def test_concrete_names_are_no_patterns(name: str) -> None:
    assert not is_pattern(name)


@pytest.mark.parametrize(
    ("pattern", "covered", "not_covered"),
    [
        pytest.param(
            "/v2/me/*",
            ["/v2/me/calls", "/v2/me/devices"],
            ["/v2/me", "/v2/me/calls/1", "/v2/mex", "/v2/mex/calls", "/v2/users"],
            id="one segment",
        ),
        pytest.param(
            "/v2/me/**",
            ["/v2/me/calls", "/v2/me/calls/1", "/v2/me/a/b/c"],
            ["/v2/me", "/v2/mex", "/v2/mex/calls", "/v2"],
            id="any depth",
        ),
        pytest.param("/*", ["/a", "/v2"], ["/a/b", "/v2/me"], id="first level"),
        pytest.param("/**", ["/a", "/v2/me", "/v2/me/calls"], [], id="everything"),
        pytest.param("/v2/me", ["/v2/me"], ["/v2/me/calls", "/v2", "/v2/ME"], id="concrete"),
        pytest.param("/a.c/*", ["/a.c/x"], ["/abc/x"], id="dot is a letter"),
        pytest.param("/a+/*", ["/a+/x"], ["/aa/x"], id="plus is a letter"),
    ],
)
def test_matches(pattern: str, covered: list[str], not_covered: list[str]) -> None:
    assert [name for name in covered + not_covered if matches(pattern, name)] == covered


@pytest.mark.parametrize(
    ("a", "b", "common"),
    [
        ("/v2/me", "/v2/me", "/v2/me"),
        ("/v2/me", "/v2/users", None),
        ("/v2/me", "/v2/*", "/v2/me"),
        ("/v2/me", "/v2/me/*", None),
        ("/v2/me", "/v2/me/**", None),
        ("/v2/me", "/**", "/v2/me"),
        ("/a/*", "/a/*", "/a/*"),
        ("/a/*", "/a/**", "/a/*"),
        ("/a/**", "/a/**", "/a/**"),
        ("/a/*", "/b/*", None),
        ("/a/*", "/a/b/*", None),
        ("/a/*", "/a/b/**", None),
        ("/a/**", "/a/b/*", "/a/b/*"),
        ("/a/**", "/a/b/**", "/a/b/**"),
        ("/a/**", "/ab/**", None),
        ("/a/**", "/ab/*", None),
        ("/**", "/*", "/*"),
        ("/**", "/a/b/c/**", "/a/b/c/**"),
        ("/*", "/a/*", None),
        ("/ab/*", "/cd/**", None),
    ],
    ids=str,
)
def test_intersect(a: str, b: str, common: str | None) -> None:
    assert intersect(a, b) == common
    assert intersect(b, a) == common


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/a", ("/a", "/*", "/**")),
        ("/a/b", ("/a/b", "/a/*", "/a/**", "/**")),
        ("/v2/me/calls", ("/v2/me/calls", "/v2/me/*", "/v2/me/**", "/v2/**", "/**")),
    ],
    ids=["one segment", "two segments", "three segments"],
)
def test_patterns_of(name: str, expected: tuple[str, ...]) -> None:
    assert patterns_of(name) == expected


# Few letters, so that names share beginnings often; `aa` makes one segment the beginning of another.
few_segments = st.lists(st.sampled_from(["a", "aa", "b", "a.b", "{x}"]), min_size=1, max_size=4)
concrete_names = few_segments.map(lambda parts: "/" + "/".join(parts))
pattern_names = st.tuples(st.one_of(st.just(""), concrete_names), st.sampled_from(["/*", "/**"])).map("".join)
any_names = st.one_of(concrete_names, pattern_names)
letters = st.sampled_from(string.ascii_letters + string.digits + "-_!~()$@ #+.{}")
wild_names = st.lists(st.text(letters, min_size=1, max_size=9), min_size=1, max_size=8).map(lambda s: "/" + "/".join(s))


def by_segments(pattern: str, channel: str) -> bool:
    """The definition, spelled out segment by segment."""
    *head, last = pattern.split("/")
    segments = channel.split("/")
    if last == "**":
        return len(segments) > len(head) and segments[: len(head)] == head
    if last == "*":
        return len(segments) == len(head) + 1 and segments[: len(head)] == head
    return pattern == channel


@given(any_names, concrete_names)
def test_matches_agrees_with_the_definition(pattern: str, channel: str) -> None:
    assert matches(pattern, channel) == by_segments(pattern, channel)


@given(any_names, any_names, concrete_names)
def test_intersection_covers_exactly_what_both_cover(a: str, b: str, channel: str) -> None:
    common = intersect(a, b)
    assert (common is not None and matches(common, channel)) == (matches(a, channel) and matches(b, channel))


@given(any_names, any_names)
def test_intersection_is_one_of_the_two_and_has_no_order(a: str, b: str) -> None:
    assert intersect(a, b) == intersect(b, a)
    assert intersect(a, b) in {a, b, None}
    assert intersect(a, a) == a


@given(any_names, any_names, any_names)
def test_intersection_is_associative(a: str, b: str, c: str) -> None:
    ab, bc = intersect(a, b), intersect(b, c)
    assert (ab and intersect(ab, c)) == (bc and intersect(a, bc))


@given(concrete_names, any_names)
def test_patterns_of_lists_exactly_what_matches(channel: str, pattern: str) -> None:
    assert (pattern in patterns_of(channel)) == matches(pattern, channel)


@given(wild_names)
def test_patterns_of_is_valid_distinct_and_narrowest_first(channel: str) -> None:
    found = patterns_of(channel)
    assert found[0] == channel
    assert len(set(found)) == len(found)
    assert all(is_valid(name) and matches(name, channel) for name in found)
    assert all(is_pattern(name) for name in found[1:])
    assert all(intersect(narrow, wide) == narrow for narrow, wide in pairwise(found))


@given(wild_names, st.text(max_size=3))
def test_one_foreign_character_spoils_a_name(name: str, text: str) -> None:
    foreign = [
        letter for letter in text if not (letter.isascii() and (letter.isalnum() or letter in "-_!~()$@ #+.{}/"))
    ]
    assert is_valid(name)
    assert not any(is_valid(name + letter + "x") for letter in foreign)
