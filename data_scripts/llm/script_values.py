"""Follow a drawing script without running it: which calls would it make, with which values?

The script is parsed with `ast` and walked here: assignments, arithmetic, lists, loops over known sequences, functions
of its own, a fixed list of harmless functions. Nothing of it is executed by Python, no attribute of any object is
looked up, and every loop, number and list is bounded. What cannot be followed raises `Unfollowed`: such a script is
not wrong, it only stays unread.
"""

import ast
import math
from dataclasses import dataclass, field

import numpy as np

from .script_builtins import (
    BINARY,
    BUILTINS,
    COMPARE,
    METHODS,
    MOST_ITEMS,
    NUMBER_MODULES,
    NUMBERS,
    PLAIN,
    UNARY,
    Unfollowed,
    as_array,
    require_few,
)

MOST_STEPS = 20_000  # nodes visited
MOST_DEPTH = 12  # calls within calls


@dataclass(frozen=True)
class Call:
    """A call of something that is not followed: `ax.plot(...)` is `Call("plot", ...)`, whatever it was called on."""

    name: str
    args: tuple = ()
    kwargs: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Opaque:
    """Something that only the library knows: a module, an axes, the result of a call."""

    name: str


@dataclass
class _Function:
    node: ast.FunctionDef


class _Return(Exception):
    def __init__(self, value: object) -> None:
        self.value = value


@dataclass
class Followed:
    """The calls of a script in order, and the values of its own names at its end."""

    calls: list[Call]
    names: dict[str, object]


def follow(script: str) -> Followed:
    """The library calls that a script would make.

    Raises:
        Unfollowed: if it is no Python, or does something that is not followed.
    """
    walker = _Walker()
    try:
        with np.errstate(all="ignore"):
            walker.block(ast.parse(script).body, walker.names)
    except Unfollowed:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Unfollowed("no Python that can be parsed") from None
    except (TypeError, LookupError, ArithmeticError, AttributeError, _Return):
        raise Unfollowed("a statement without a meaning") from None
    return Followed(walker.calls, walker.names)


class _Walker:
    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.names: dict[str, object] = {}
        self.steps = 0
        self.depth = 0

    def block(self, body: list[ast.stmt], names: dict[str, object]) -> None:
        for node in body:
            self.statement(node, names)

    def statement(self, node: ast.stmt, names: dict[str, object]) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self.bring_in(node, names)
            case ast.Expr(value=value):
                self.value(value, names)
            case ast.Assign(targets=targets, value=value):
                result = self.value(value, names)
                for target in targets:
                    self.assign(target, result, names)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self.assign(target, self.value(value, names), names)
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                names[name] = self.combine(op, self.look_up(name, names), self.value(value, names))
            case ast.For(target=target, iter=iterable, body=body, orelse=[]):
                for item in self.items(iterable, names):
                    self.assign(target, item, names)
                    self.block(body, names)
            case ast.If(test=test, body=body, orelse=orelse):
                self.block(body if self.truth(test, names) else orelse, names)
            case ast.FunctionDef(name=name, decorator_list=[]):
                names[name] = _Function(node)
            case ast.Return(value=value):
                raise _Return(None if value is None else self.value(value, names))
            case ast.Pass():
                pass
            case _:
                raise Unfollowed(f"a statement {type(node).__name__}")

    def bring_in(self, node: ast.Import | ast.ImportFrom, names: dict[str, object]) -> None:
        base = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            full = f"{base}.{alias.name}".strip(".")
            if base in NUMBER_MODULES and alias.name in NUMBERS:
                names[alias.asname or alias.name] = NUMBERS[alias.name]
            else:
                names[alias.asname or alias.name.split(".")[0]] = Opaque(full)

    def assign(self, target: ast.expr, value: object, names: dict[str, object]) -> None:
        match target:
            case ast.Name(id=name):
                names[name] = value
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                if isinstance(value, Opaque | Call):  # fig, ax = plt.subplots()
                    value = [Opaque("part")] * len(parts)
                values = self.as_items(value)
                if len(values) != len(parts):
                    raise Unfollowed("an assignment of several names")
                for part, item in zip(parts, values, strict=True):
                    self.assign(part, item, names)
            case ast.Subscript(value=holder, slice=key):
                place = self.value(holder, names)
                if isinstance(place, Opaque | Call):  # plt.rcParams["..."] = ...
                    self.calls.append(Call("setting"))
                elif isinstance(place, dict | list):
                    place[self.value(key, names)] = value
                else:
                    raise Unfollowed("an assignment to a part")
            case _:
                raise Unfollowed("an assignment to an attribute")

    def items(self, node: ast.expr, names: dict[str, object]) -> list:
        return self.as_items(self.value(node, names))

    def as_items(self, value: object) -> list:
        if isinstance(value, list | tuple | dict | str) or (isinstance(value, np.ndarray) and value.ndim):
            if len(value) <= MOST_ITEMS:
                return list(value)
            raise Unfollowed("a long list")
        raise Unfollowed("a sequence that is not known")

    def look_up(self, name: str, names: dict[str, object]) -> object:
        for scope in (names, self.names):
            if name in scope:
                return scope[name]
        if name == "__name__":
            return "__main__"
        raise Unfollowed("a name that is not known")

    def truth(self, node: ast.expr, names: dict[str, object]) -> bool:
        value = self.value(node, names)
        if not isinstance(value, PLAIN | list | tuple | dict | np.bool_):
            raise Unfollowed("a condition that is not known")
        return bool(value)

    def value(self, node: ast.expr, names: dict[str, object]) -> object:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Unfollowed("too many steps")
        try:
            return self._value(node, names)
        except (TypeError, ArithmeticError, LookupError, AttributeError, ValueError) as error:
            if isinstance(error, Unfollowed):
                raise
            raise Unfollowed("an expression without a value") from None

    def _value(self, node: ast.expr, names: dict[str, object]) -> object:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self.look_up(name, names)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                whole = self.spread(parts, names)
                return tuple(whole) if isinstance(node, ast.Tuple) else whole
            case ast.Dict(keys=keys, values=values) if None not in keys:
                return {self.value(k, names): self.value(v, names) for k, v in zip(keys, values, strict=True)}
            case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
                return UNARY[type(op)](self.value(operand, names))
            case ast.BinOp(left=left, op=op, right=right):
                return self.combine(op, self.value(left, names), self.value(right, names))
            case ast.BoolOp(op=op, values=values):
                truths = (self.truth(v, names) for v in values)
                return all(truths) if isinstance(op, ast.And) else any(truths)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARE:
                a, b = self.value(left, names), self.value(right, names)
                plain = isinstance(a, PLAIN) and (isinstance(b, PLAIN) or isinstance(op, ast.In | ast.NotIn))
                return COMPARE[type(op)](a, b) if plain else self.refuse("a comparison")
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self.truth(test, names) else orelse, names)
            case ast.Subscript(value=holder, slice=key):
                whole = self.value(holder, names)
                if isinstance(whole, Opaque | Call):
                    return Opaque("part")
                return whole[self.key(key, names)]
            case ast.Attribute(value=holder, attr=name):
                return self.member(self.value(holder, names), name)
            case ast.ListComp(elt=elt, generators=[loop]) | ast.GeneratorExp(elt=elt, generators=[loop]):
                inner, found = dict(names), []
                for item in self.items(loop.iter, names):
                    self.assign(loop.target, item, inner)
                    if all(self.truth(test, inner) for test in loop.ifs):
                        found.append(self.value(elt, inner))
                return found
            case ast.JoinedStr(values=parts):
                return "".join(self.piece(part, names) for part in parts)
            case ast.Call():
                return self.call(node, names)
        return self.refuse(f"an expression {type(node).__name__}")

    @staticmethod
    def refuse(reason: str) -> object:
        raise Unfollowed(reason)

    def spread(self, parts: list[ast.expr], names: dict[str, object], library: bool = False) -> list:
        """Values of a list's parts, `*part` taken apart; arguments of a library call may stay unknown."""
        found: list = []
        for part in parts:
            if isinstance(part, ast.Starred):
                found += self.items(part.value, names)
            else:
                found.append(self.maybe(part, names) if library else self.value(part, names))
        return found

    def piece(self, part: ast.expr, names: dict[str, object]) -> str:
        if isinstance(part, ast.Constant):
            return str(part.value)
        if not isinstance(part, ast.FormattedValue) or part.conversion != -1:
            raise Unfollowed("a formatted text")
        value = self.value(part.value, names)
        spec = "" if part.format_spec is None else str(self.value(part.format_spec, names))
        if not isinstance(value, PLAIN) or len(spec) > 6:
            raise Unfollowed("a formatted text")
        return format(value, spec)

    def key(self, node: ast.expr, names: dict[str, object]) -> object:
        if isinstance(node, ast.Slice):
            ends = (node.lower, node.upper, node.step)
            return slice(*(None if end is None else self.value(end, names) for end in ends))
        if isinstance(node, ast.Tuple):
            return tuple(self.key(part, names) for part in node.elts)
        return self.value(node, names)

    def member(self, holder: object, name: str) -> object:
        """Members of a number module by name; of anything else only that it is one."""
        if isinstance(holder, Call):
            return Opaque(name)
        if isinstance(holder, Opaque):
            return (
                NUMBERS[name] if holder.name in NUMBER_MODULES and name in NUMBERS else Opaque(f"{holder.name}.{name}")
            )
        if isinstance(holder, np.ndarray) and name == "T":
            return holder.T
        raise Unfollowed("a member of a value")

    def combine(self, op: ast.operator, a: object, b: object) -> object:
        if isinstance(a, str | list | tuple) or isinstance(b, str | list | tuple):
            array = isinstance(a, np.ndarray) or isinstance(b, np.ndarray)
            if not array and (not isinstance(op, ast.Add) or len(a) + len(b) > MOST_ITEMS):
                raise Unfollowed("arithmetic on lists")
            return np.add(as_array(a), as_array(b)) if array and isinstance(op, ast.Add) else BINARY[type(op)](a, b)
        if isinstance(op, ast.Pow):
            whole = isinstance(a, int) and isinstance(b, int) and abs(a) <= 1000 and 0 <= b <= 9
            result = a**b if whole else np.float_power(a, b)
        elif isinstance(op, ast.MatMult):
            result = a @ b if max(a.size, b.size) <= 100 else self.refuse("a large product")
        elif math.prod(np.broadcast_shapes(np.shape(a), np.shape(b))) > MOST_ITEMS:
            raise Unfollowed("a long list")
        else:
            result = BINARY[type(op)](a, b)
        if isinstance(result, int) and abs(result) > 10**15:
            raise Unfollowed("a huge number")
        return result

    def call(self, node: ast.Call, names: dict[str, object]) -> object:
        function, first = self.function(node.func, names)
        library = isinstance(function, Opaque | Call)
        args, kwargs = [*first, *self.spread(node.args, names, library)], {}
        for word in node.keywords:
            value = self.maybe(word.value, names) if library else self.value(word.value, names)
            kwargs.update({word.arg: value} if word.arg else value)
        if library:
            made = Call(function.name.rsplit(".", 1)[-1], tuple(args), kwargs)
            self.calls.append(made)
            return made
        if isinstance(function, _Function):
            return self.call_own(function.node, args, kwargs)
        require_few([*args, *kwargs.values()])
        return function(*args, **kwargs)

    def function(self, node: ast.expr, names: dict[str, object]) -> tuple[object, list]:
        """What is called, and the value whose method it is, if it is one."""
        if isinstance(node, ast.Name) and node.id not in names and node.id not in self.names:
            return BUILTINS.get(node.id) or self.refuse("a name that is not known"), []
        if not isinstance(node, ast.Attribute):
            return self.value(node, names), []
        whole = self.value(node.value, names)
        for (kind, name), method in METHODS.items():
            if name == node.attr and isinstance(whole, kind):
                return method, [whole]
        return self.member(whole, node.attr), []

    def maybe(self, node: ast.expr, names: dict[str, object]) -> object:
        """The value, or that it is not known: what a library call does not draw with may be anything."""
        try:
            return self.value(node, names)
        except Unfollowed:
            return Opaque("unknown")

    def call_own(self, node: ast.FunctionDef, args: list, kwargs: dict[str, object]) -> object:
        """A function that the script defines: plain parameters with defaults."""
        spec = node.args
        if spec.vararg or spec.kwarg or spec.kwonlyargs or spec.posonlyargs or self.depth >= MOST_DEPTH:
            raise Unfollowed("a function of its own")
        known = [p.arg for p in spec.args]
        defaults = dict(zip(known[len(known) - len(spec.defaults) :], spec.defaults, strict=True))
        local = {name: self.value(default, self.names) for name, default in defaults.items()}
        local |= dict(zip(known, args, strict=False)) | kwargs
        if len(args) > len(known) or set(local) != set(known):
            raise Unfollowed("a function of its own")
        self.depth += 1
        try:
            self.block(node.body, local)
        except _Return as returned:
            return returned.value
        finally:
            self.depth -= 1
        return None
