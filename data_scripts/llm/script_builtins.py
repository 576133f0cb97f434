"""What is known to `script_values`: the functions and operators it computes itself, and their bounds.

Everything here works on plain numbers, texts, lists and arrays, has no effect, and is listed by name.
"""

import ast
import math
import operator
from collections.abc import Callable

import numpy as np

MOST_ITEMS = 5_000  # of one list


class Unfollowed(ValueError):
    """The script does something that is not followed; the message is short and fit for counting."""


def as_array(values: object, *_: object, **__: object) -> np.ndarray:
    return np.asarray(values, dtype=float)


def require_few(value: object) -> int:
    """How many numbers and texts a nested value holds; refuses more than any drawing needs."""
    if isinstance(value, np.ndarray):
        count = value.size
    elif isinstance(value, list | tuple | dict):
        count = 0
        for item in value.values() if isinstance(value, dict) else value:
            count += require_few(item)
            if count > MOST_ITEMS:
                break
    else:
        count = len(value) if isinstance(value, str) else 1
    if count > MOST_ITEMS:
        raise Unfollowed("a long list")
    return count


def _bounded(make: Callable) -> Callable:
    def call(*args: float) -> list:
        counts = [abs(a) for a in args if isinstance(a, int)]
        if counts and max(counts) > MOST_ITEMS:
            raise Unfollowed("a long range")
        return list(make(*args))

    return call


def _linspace(start: float, stop: float, num: int = 50, *_: object, **__: object) -> np.ndarray:
    if not 0 < num <= MOST_ITEMS:
        raise Unfollowed("a long range")
    return np.linspace(start, stop, int(num))


def _both(names: str) -> dict[str, Callable]:
    """Functions that `math` and `numpy` have alike, in numpy's form, which takes arrays too."""
    return {name: getattr(np, name) for name in names.split()}


BUILTINS: dict[str, Callable] = {
    "abs": abs,
    "dict": dict,
    "enumerate": lambda *a: list(enumerate(*a)),
    "float": float,
    "int": int,
    "len": len,
    "list": list,
    "max": max,
    "min": min,
    "print": lambda *_, **__: None,
    "range": _bounded(range),
    "reversed": lambda a: list(a)[::-1],
    "round": round,
    "sum": sum,
    "tuple": tuple,
    "zip": lambda *a, **k: list(zip(*a, strict=False)),
}
NUMBERS: dict[str, object] = {  # members of math and numpy, by their last name
    **_both(
        "sqrt sin cos tan hypot radians degrees deg2rad rad2deg arctan2 arccos arcsin arctan cross dot mean exp log"
    ),
    **{"atan2": np.arctan2, "acos": np.arccos, "asin": np.arcsin, "atan": np.arctan, "fabs": abs},
    **{"array": as_array, "asarray": as_array, "norm": np.linalg.norm, "linspace": _linspace},
    **{"dist": math.dist, "abs": np.abs, "append": np.append},
    **{"pi": math.pi, "e": math.e},
}
NUMBER_MODULES = ("math", "numpy", "numpy.linalg")
METHODS: dict[tuple[type, str], Callable] = {
    (dict, "items"): lambda d: list(d.items()),
    (dict, "keys"): list,
    (dict, "values"): lambda d: list(d.values()),
    (dict, "get"): dict.get,
    (list, "append"): list.append,
    (np.ndarray, "mean"): np.mean,
    (np.ndarray, "tolist"): np.ndarray.tolist,
    (np.ndarray, "copy"): np.ndarray.copy,
}
PLAIN = int | float | str | bool | None  # np.float64 is a float
UNARY = {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_}
BINARY = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
COMPARE = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
