"""The OpenAPI 3.1 description of a set of operations: everything in it comes from the records."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec

from api.http.authentication import NotMeant
from api.http.bodies import FORM
from api.http.idempotency import AlreadyDone
from api.http.members import MULTIPART, TooSlow
from api.http.operations import Operation
from api.http.problems import Family, UnreadableJson, UnsupportedMediaType, media_type_of, schema_of
from api.http.reply import JSON
from hub.auth.login import COOKIE, CSRF_HEADER
from hub.kernel.errors import (
    BadInput,
    Conflict,
    Forbidden,
    HubError,
    Internal,
    KeysUnavailable,
    LoginFailed,
    PasswordChangeDemanded,
    TokenExpired,
    TokenInvalid,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unprocessable,
)
from hub.kernel.settings import Settings

Json = dict[str, Any]

_PARAMETER = re.compile(r"{(\w+)}")
_REQUEST_ID = {
    "X-Request-Id": {"description": "Name of this request in the logs of the hub", "schema": {"type": "string"}}
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Repeats with the same key and body within 24 hours get the stored answer and change nothing",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}

_SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "basic": {"type": "http", "scheme": "basic"},
    "login": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"Set by GET /api/v2/me with Basic; changing requests repeat {CSRF_HEADER} as well",
    },
}


def document(operations: Sequence[Operation], *, title: str, url: str, version: str) -> Json:
    """One OpenAPI 3.1 document; the same operations give the same document, member for member."""
    types = _types(operations)
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_by_type = dict(zip(map(repr, types), schemas, strict=True))
    ordered = sorted(operations, key=attrgetter("path", "method"))
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": url}],
        "tags": [{"name": tag} for tag in sorted({operation.tag for operation in operations})],
        "paths": {
            path: {operation.method.lower(): _operation(operation, schema_by_type) for operation in group}
            for path, group in groupby(ordered, key=attrgetter("path"))
        },
        "x-errors": _catalog(operations),
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _catalog(operations: Iterable[Operation]) -> list[Json]:
    """Every error that any operation may answer with, once."""
    kinds = {kind.code: kind for operation in operations for kind in _errors(operation)}
    return [
        {
            "code": kind.code,
            "status": kind.status,
            "statusCode": kind.status_code,
            "retriable": kind.retriable,
            "detail": kind.default_detail,
        }
        for kind in sorted(kinds.values(), key=attrgetter("status", "code"))
    ]


def _types(operations: Iterable[Operation]) -> list[Any]:
    wanted: dict[str, Any] = {}
    for operation in operations:
        for type_ in (operation.body, operation.result, schema_of(operation.family)):
            if type_ is not None:
                wanted.setdefault(repr(type_), type_)
    return list(wanted.values())


def _operation(operation: Operation, schemas: dict[str, Json]) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(operation, schemas),
    }
    if operation.deprecated:
        described["deprecated"] = True
    if operation.description:
        described["description"] = operation.description
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(operation.path)
    ]
    if operation.query is not None:
        parameters += _query_parameters(operation.query)
    for parameter in parameters:
        given = operation.path_example if parameter["in"] == "path" else operation.query_example
        if parameter["name"] in given:
            parameter["example"] = given[parameter["name"]]
    if operation.idempotent or operation.once_only:
        parameters.append(_IDEMPOTENCY_KEY)
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = _request_body(operation, schemas)
    if operation.roles is not None:
        described["security"] = [{"token": []}, {"basic": []}, {"login": []}]
        described["x-required-roles"] = sorted(operation.roles)
    return described


def _query_parameters(type_: type[msgspec.Struct]) -> list[Json]:
    _, components = msgspec.json.schema_components([type_])
    described = components[type_.__name__]
    required = described.get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": {key: value for key, value in schema.items() if key != "description"},
            **({"description": schema["description"]} if "description" in schema else {}),
        }
        for name, schema in described["properties"].items()
    ]


def _request_body(operation: Operation, schemas: dict[str, Json]) -> Json:
    content: Json = {"schema": schemas[repr(operation.body)]}
    if operation.examples:
        content["examples"] = {name: {"value": value} for name, value in operation.examples.items()}
    return {
        "required": True,
        "description": f"At most {operation.max_body(Settings())} bytes, unless the installation says otherwise",
        "content": dict.fromkeys(_media_types(operation), content),
    }


def _media_types(operation: Operation) -> tuple[str, ...]:
    if operation.any_form:
        return JSON, FORM, MULTIPART
    return (FORM,) if operation.form else (JSON,)


def _responses(operation: Operation, schemas: dict[str, Json]) -> Json:
    content: Json = {} if operation.result is None else {"schema": schemas[repr(operation.result)]}
    success: Json = {"description": HTTPStatus(operation.success).phrase, "headers": dict(_REQUEST_ID)}
    if operation.success != HTTPStatus.NO_CONTENT:
        success["content"] = {operation.media_type: content}
    for name, meaning in operation.headers.items():
        success["headers"][name] = {"description": meaning, "schema": {"type": "string"}}
    if operation.idempotent:
        success["headers"]["Idempotent-Replayed"] = {
            "description": "`true` where the answer is the stored one of an earlier request",
            "schema": {"type": "string", "const": "true"},
        }
    responses = {str(operation.success): success}
    failures = sorted(set(_errors(operation)), key=attrgetter("status", "code"))
    for status, group in groupby(failures, key=attrgetter("status")):
        responses[str(status)] = _failure(list(group), operation.family, schemas)
        if operation.own_errors:
            responses[str(status)]["content"][operation.media_type] = {}
    return responses


def _errors(operation: Operation) -> Iterable[type[HubError]]:
    yield from operation.errors
    yield Internal
    if operation.roles is not None:
        yield from (Unauthenticated, LoginFailed, TokenExpired, TokenInvalid, TooManyRequests, KeysUnavailable)
        if operation.method != "GET":
            yield NotMeant
        if not operation.before_password_change:
            yield PasswordChangeDemanded
    if operation.roles:
        yield Forbidden
    if operation.body is not None:
        yield from (BadInput, TooLarge, UnsupportedMediaType)
    if operation.any_form:
        yield from (UnreadableJson, TooSlow)
    if operation.idempotent or operation.once_only:
        yield from (Conflict, Unprocessable)
    if operation.once_only:
        yield AlreadyDone


def _failure(errors: Sequence[type[HubError]], family: Family, schemas: dict[str, Json]) -> Json:
    headers: Json = dict(_REQUEST_ID)
    if any(error.retriable for error in errors):
        headers["Retry-After"] = {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}
    return {
        "description": "; ".join(f"{error.code}: {error.default_detail}" for error in errors),
        "headers": headers,
        "content": {media_type_of(family): {"schema": schemas[repr(schema_of(family))]}},
    }
