"""Who calls: tokens are known by their digests, and larger roles include smaller ones."""

from __future__ import annotations

import itertools

from trainyard.service.core.identity import NOBODY, Principal, Role, Tokens, token_digest

ANN, BOB = Principal("ann", Role.SUBMITTER), Principal("bob", Role.OPERATOR)


def test_a_token_stands_for_whom_it_was_given_to_and_nothing_else_does() -> None:
    tokens = Tokens([(token_digest("one"), ANN), (token_digest("two"), BOB)])
    assert tokens.principal("one") == ANN
    assert tokens.principal("two") == BOB
    assert all(tokens.principal(wrong) is None for wrong in ("", "on", "onee", token_digest("one"), "ünicode"))


def test_no_token_is_kept_as_it_is() -> None:
    assert "s3cret" not in repr(vars(Tokens([(token_digest("s3cret"), ANN)])))


def test_only_an_operator_sees_everybodys_jobs() -> None:
    assert (ANN.scope, BOB.scope, NOBODY.scope) == ("ann", None, "")


def test_roles_are_ordered_by_what_they_may() -> None:
    assert list(itertools.pairwise(Role)) == [(Role.NOBODY, Role.VIEWER), (Role.VIEWER, Role.SUBMITTER), (Role.SUBMITTER, Role.OPERATOR)]
    assert Role.NOBODY < Role.VIEWER < Role.SUBMITTER < Role.OPERATOR
