"""Files and functions stay small enough to be read at once."""

from statistics import median, quantiles

from tests.architecture.tree import modules

MODULE_LIMIT, MODULE_MEDIAN = 400, 120
FUNCTION_LIMIT, FUNCTION_P90 = 60, 30


def test_no_module_is_long() -> None:
    assert [f"{m.path}: {m.lines} lines" for m in modules() if m.lines > MODULE_LIMIT] == []


def test_the_middle_module_is_short() -> None:
    assert median(m.lines for m in modules() if m.lines > 1) <= MODULE_MEDIAN


def test_no_function_is_long() -> None:
    long = [
        f"{m.path} {name}: {size} lines" for m in modules() for name, size in m.functions() if size > FUNCTION_LIMIT
    ]
    assert long == []


def test_nine_of_ten_functions_are_short() -> None:
    sizes = [size for m in modules() for _, size in m.functions()]
    assert quantiles(sizes, n=10)[-1] <= FUNCTION_P90
