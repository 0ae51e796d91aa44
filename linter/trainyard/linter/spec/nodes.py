"""The kinds of node that the schema is compiled into: how a value is filled in, and how it is built.

A node knows two things of a value that satisfies the schema: ``fill`` returns it with every default of
the schema in place and every shorthand spelt out, ``build`` turns a filled value into named tuples.
What the schema can say only in words (``x-default``) is left as ``DERIVED`` for ``derivation``.
Nothing here judges: a value that breaks the schema may come out broken, or raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trainyard.linter.spec.model import registry


class _Derived:
    """Stands where a default follows from other fields."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "DERIVED"


DERIVED = _Derived()


class Node:
    """A scalar: nothing to fill in, nothing to build."""

    __slots__ = ()
    plain = True

    def fill(self, value: Any) -> Any:
        """Return the value with defaults in place."""
        return value

    def build(self, value: Any) -> Any:
        """Return the typed form of a filled value."""
        return value


class Whole(Node):
    """An integer, perhaps written as 10.0."""

    __slots__ = ()
    plain = False

    def fill(self, value: Any) -> Any:
        """Return 10 for 10.0."""
        return int(value) if type(value) is float else value


class Many(Node):
    """An array; built as a tuple."""

    __slots__ = ("_item",)
    plain = False

    def __init__(self, item: Node) -> None:
        self._item = item

    def fill(self, value: Any) -> Any:
        """Return a new list."""
        fill = self._item.fill
        return [fill(element) for element in value]

    def build(self, value: Any) -> Any:
        """Return a tuple."""
        return tuple(value) if self._item.plain else tuple(map(self._item.build, value))


class Repeated(Node):
    """Integers for each axis; one number stands for all of them."""

    __slots__ = ("_times",)
    plain = False

    def __init__(self, times: int) -> None:
        self._times = times

    def fill(self, value: Any) -> Any:
        """Return one integer per axis."""
        if value is None:
            return None
        numbers = [int(number) for number in value] if isinstance(value, list) else [int(value)]
        return numbers * self._times if len(numbers) == 1 else numbers

    def build(self, value: Any) -> Any:
        """Return a tuple."""
        return None if value is None else tuple(value)


class Record(Node):
    """An object with known keys; built as the named tuple of the same name."""

    __slots__ = ("_blank", "_builders", "_fields", "_fillers", "_fresh", "_keys", "_make", "_name", "_spread")
    plain = False

    def __init__(self, name: str, fields: dict[str, tuple[Node, Any]], spread: str | None) -> None:
        self._name = name
        self._fields = fields
        self._spread = spread
        fresh = {key for key, (node, default) in fields.items() if _makes_new(node, default)}
        self._blank = {key: None if key in fresh else default for key, (_, default) in fields.items()}
        self._fillers = tuple((key, node.fill) for key, (node, _) in fields.items() if not node.plain)
        self._fresh = tuple((key, node.fill, default) for key, (node, default) in fields.items() if key in fresh)
        self._make: Callable[..., Any] | None = None
        self._keys: tuple[str, ...] = ()
        self._builders: tuple[tuple[int, Callable[[Any], Any]], ...] = ()

    def fill(self, value: Any) -> Any:
        """Return a new object with every key of the schema, in its order, and no other."""
        filled = self._blank.copy()
        filled.update(value)
        if len(filled) != len(self._blank):
            filled = {key: member for key, member in filled.items() if key in self._blank or key == self._spread}
        for key, fill in self._fillers:
            if key in value:
                filled[key] = fill(value[key])
        for key, fill, default in self._fresh:
            if key not in value:
                filled[key] = fill(default)
        return filled

    def build(self, value: Any) -> Any:
        """Return the named tuple; a key that is missing becomes ``None``."""
        make = self._make or self._find()
        values = list(map(value.get, self._keys))
        for at, build in self._builders:
            if values[at] is not None:
                values[at] = build(values[at])
        return make(values)

    def _find(self) -> Callable[..., Any]:
        """Look the class up, when the first value is built."""
        kind = registry.find(self._name)
        self._keys = tuple(map(_key_of, kind._fields))
        self._builders = tuple((at, self._fields[key][0].build) for at, key in enumerate(self._keys) if not self._fields[key][0].plain)
        make: Callable[..., Any] = kind._make
        self._make = make
        return make


class Span(Record):
    """An object of which only the keys that were written mean something (``{"epochs": 5}``)."""

    __slots__ = ()

    def fill(self, value: Any) -> Any:
        """Return a copy without the other keys."""
        filled = dict(value)
        for key, fill in self._fillers:
            if key in filled:
                filled[key] = fill(filled[key])
        return filled


class Choice(Node):
    """A tagged union; each member is compiled when it is first met."""

    __slots__ = ("_compile", "_members")
    plain = False

    def __init__(self, compile_member: Callable[[str], Node]) -> None:
        self._compile = compile_member
        self._members: dict[str, Node] = {}

    def member(self, tag: str) -> Node:
        """Return the node of one member."""
        found = self._members.get(tag)
        if found is None:
            found = self._members[tag] = self._compile(tag)
        return found

    def fill(self, value: Any) -> Any:
        """Return the value with the defaults of its member."""
        return self.member(value["type"]).fill(value)

    def build(self, value: Any) -> Any:
        """Return the named tuple of its member."""
        return self.member(value["type"]).build(value)


class Mapping(Node):
    """An object whose keys are free."""

    __slots__ = ("_item",)
    plain = False

    def __init__(self, item: Node) -> None:
        self._item = item

    def fill(self, value: Any) -> Any:
        """Return a new object."""
        fill = self._item.fill
        return {key: fill(member) for key, member in value.items()}


class ByType(Node):
    """A value of several JSON types, each with its own node."""

    __slots__ = ("_nodes",)
    plain = False

    def __init__(self, nodes: dict[type, Node]) -> None:
        self._nodes = nodes

    def fill(self, value: Any) -> Any:
        """Fill by the node for the value's type."""
        node = self._nodes.get(type(value))
        return value if node is None else node.fill(value)

    def build(self, value: Any) -> Any:
        """Build by the node for the value's type."""
        node = self._nodes.get(type(value))
        return value if node is None else node.build(value)


class Shorthand(Node):
    """A scalar that stands for an object with one key: ``"auc"`` for ``{"type": "auc"}``."""

    __slots__ = ("_keys", "_node", "_plain_words")
    plain = False

    def __init__(self, node: Node, keys: dict[type, str], plain_words: frozenset[str]) -> None:
        self._node = node
        self._keys = keys
        self._plain_words = plain_words

    def fill(self, value: Any) -> Any:
        """Spell the shorthand out, then fill."""
        key = self._keys.get(type(value))
        if key is None:
            return self._node.fill(value)
        return value if value in self._plain_words else self._node.fill({key: value})

    def build(self, value: Any) -> Any:
        """Build the object behind the shorthand."""
        return self._node.build(value)


class Preset(Node):
    """A name that stands for a list."""

    __slots__ = ("_node", "_presets")
    plain = False

    def __init__(self, node: Node, presets: dict[str, Any]) -> None:
        self._node = node
        self._presets = presets

    def fill(self, value: Any) -> Any:
        """Spell the preset out, then fill."""
        return self._node.fill(self._presets[value] if isinstance(value, str) else value)

    def build(self, value: Any) -> Any:
        """Build the list."""
        return self._node.build(value)


class OneOrMany(Node):
    """One value or a list of them; a list from here on."""

    __slots__ = ("_node",)
    plain = False

    def __init__(self, node: Node) -> None:
        self._node = node

    def fill(self, value: Any) -> Any:
        """Return a list."""
        return self._node.fill(value if isinstance(value, list) else [value])

    def build(self, value: Any) -> Any:
        """Return a tuple."""
        return self._node.build(value)


class HeldBy(Node):
    """An object that is one of two records, told apart by the keys it holds."""

    __slots__ = ("_keys", "_other", "_record")
    plain = False

    def __init__(self, keys: frozenset[str], record: Node, other: Node) -> None:
        self._keys = keys
        self._record = record
        self._other = other

    def _which(self, value: dict[str, Any]) -> Node:
        return self._other if self._keys.isdisjoint(value) else self._record

    def fill(self, value: Any) -> Any:
        """Fill by the record that holds the value's keys."""
        return self._which(value).fill(value)

    def build(self, value: Any) -> Any:
        """Build by the record that holds the value's keys."""
        return self._which(value).build(value)


def _makes_new(node: Node, default: Any) -> bool:
    """Tell whether filling a default gives an object of its own, which no two specs may share."""
    if isinstance(default, (dict, list)):
        return True
    return default is not None and default is not DERIVED and isinstance(node.fill(default), (dict, list))


def _key_of(field: str) -> str:
    return "$lint" if field == "lint" else field
