from trainyard.service.trainer.data.order import epoch_order


def test_every_epoch_is_a_permutation_of_its_own() -> None:
    orders = [tuple(epoch_order(7, epoch, 50).tolist()) for epoch in range(4)]

    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len(set(orders)) == 4


def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    """The literal guards the promise across versions of NumPy: a resumed run must see the same order."""
    assert epoch_order(7, 3, 10).tolist() == epoch_order(7, 3, 10).tolist()
    assert epoch_order(0, 0, 8).tolist() == LITERAL
    assert epoch_order(1, 0, 8).tolist() != LITERAL


LITERAL = [3, 2, 1, 6, 0, 7, 4, 5]
