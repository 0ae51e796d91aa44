"""The typed training spec, version 1: one frozen class per section and per member of a tagged union.

Members of a union that have the same fields share a class (``Conv``, ``PlainLoss``); ``type`` tells them apart.

Every value here is *resolved*: what the author left out has been filled in, so a field that is
``None`` is switched off or does not apply, never merely absent. The JSON Schema beside this package
is the source of names, units and defaults; a test holds the two together.

The classes are ``typing.NamedTuple`` and not dataclasses: eighty frozen, slotted dataclasses cost
36 ms of CPU at import, eighty named tuples 6 ms, and ``trainlint`` starts anew for every commit
(``docs/adr/0003-named-tuples-for-the-spec.md``).
"""
