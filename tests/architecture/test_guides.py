"""Every block of code in the documents says whether a test carries it out."""

import re

from tests.support.guides import CODE, COMMAND, blocks, pages

MARK = re.compile(r"run|not run|tested|file=[\w.-]+")


def test_every_block_is_marked() -> None:
    unmarked = [
        f"{block.page}:{block.line} {block.language} {block.mark}"
        for page in pages()
        for block in blocks(page)
        if block.language in CODE and not MARK.fullmatch(block.mark)
    ]
    assert unmarked == []


def test_commands_stand_in_blocks() -> None:
    bare = {page.name: COMMAND.findall(page.read_text(encoding="utf-8")) for page in pages()}
    assert {name: commands for name, commands in bare.items() if commands} == {}
