"""The list of guards does not rot: each stands where it is said to stand, and the tests that are named are there."""

import ast
from functools import lru_cache

import pytest

from tests.guards import AREAS, ROOT
from tests.guards.guard import Guard

EACH = [guard for guards in AREAS.values() for guard in guards]


@lru_cache
def functions(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("guard", EACH, ids=[f"{guard.file}-{n}" for n, guard in enumerate(EACH)])
def test_a_guard_stands_where_the_list_says_and_its_test_is_there(guard: Guard) -> None:
    text = (ROOT / guard.file).read_text(encoding="utf-8")
    assert text.count(guard.find) == 1, "the code has changed: mend tests/guards"
    if guard.file.endswith(".py"):
        ast.parse(text.replace(guard.find, guard.put))
    file, test = guard.test.split("::")
    assert test.partition("[")[0] in functions(file), "the test has another name now: mend tests/guards"


def test_no_guard_is_listed_twice() -> None:
    assert len({(guard.file, guard.find, guard.put, guard.test) for guard in EACH}) == len(EACH)
