"""Every operation is shown with an example, and made as it is written the example succeeds, as it is described."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from jsonschema import Draft202012Validator

from api.http.bodies import FORM
from api.http.operations import Operation
from api.http.reply import JSON
from api.routes import document, operations
from tests.api.scenes import CONFIGURATION, DEMO, SCENES, Scene, nothing
from tests.api.world import World, opened


def is_shown(operation: Operation) -> bool:
    query = () if operation.query is None else msgspec.structs.fields(operation.query)
    return (
        set(re.findall(r"{(\w+)}", operation.path)) <= operation.path_example.keys()
        and {field.encode_name for field in query if field.required} <= operation.query_example.keys()
        and (operation.body is None or bool(operation.examples))
    )


CASES = [
    pytest.param(operation, name, id=f"{operation.name}-{name}" if name else operation.name)
    for operation in operations()
    for name in operation.examples or [""]
]


@pytest.fixture
async def shown(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, configuration=CONFIGURATION) as world:
        yield world


def path_of(operation: Operation, scene: Scene) -> str:
    path = operation.path
    for name, value in {**operation.path_example, **scene.path}.items():
        path = path.replace(f"{{{name}}}", value)
    query = urlencode({**operation.query_example, **scene.query})
    return f"{path}?{query}" if query else path


def body_of(operation: Operation, name: str, scene: Scene) -> bytes | None:
    if not name:
        return None
    example: Any = operation.examples[name]
    if isinstance(example, dict):
        example = {**example, **{key: value for key, value in scene.body.items() if key in example}}
    return urlencode(example).encode() if operation.form else msgspec.json.encode(example)


def expected(operation: Operation) -> Draft202012Validator:
    """What a successful answer looks like, by the description."""
    described = document(url="http://hub.test", version="1")
    answer = described["paths"][operation.path][operation.method.lower()]["responses"][str(operation.success)]
    schema = answer["content"].get(operation.media_type, {}).get("schema", {})
    return Draft202012Validator({**schema, "components": described["components"]})


@pytest.mark.parametrize(("operation", "name"), CASES)
async def test_an_example_works(operation: Operation, name: str, shown: World) -> None:
    scene = await SCENES.get(operation.name, nothing)(shown)
    roles = operation.roles or ("ROLE_AGENT",)
    token = None if operation.roles is None else shown.token(scene.user, *roles, organization=DEMO)
    headers = {"Content-Type": FORM if operation.form else JSON} if name else {}
    reply = await shown.ask(
        operation.method,
        path_of(operation, scene),
        body_of(operation, name, scene),
        token=token,
        headers={**headers, **scene.headers},
    )
    assert reply.status_code == operation.success, reply.text
    if reply.headers.get("content-type") == JSON:
        expected(operation).validate(reply.json())


def test_every_operation_has_an_example() -> None:
    """`examples` where there is a body, `path_example` for all of its path, `query_example` for what it needs."""
    assert [operation.name for operation in operations() if not is_shown(operation)] == []


def test_scenes_are_of_operations() -> None:
    assert SCENES.keys() <= {operation.name for operation in operations()}
