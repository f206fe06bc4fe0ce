"""Of all points that a solver reports, which is kept."""

import numpy as np
import pytest

from linmtl.solvers._admm import _SecondBound
from linmtl.solvers._monitor import Monitor
from linmtl.solvers._objective import Certificate
from linmtl.solvers._squares import Squares


class Scripted:
    """An objective whose certificates are given."""

    rounding = 1e-10
    count = 0  # of certificates

    def certificate(self, point, residuals=None, norm_value=None):
        self.count += 1
        return Certificate(*point)

    def intercepts(self, point):
        return point[:0]

    def error(self, point):
        return 0.0


@pytest.mark.parametrize(
    "lower",
    [2.0 - 1e-12, 2.0, 2.0 + 1e-12],
    ids=["below", "the same", "above"],
)
def test_of_points_alike_to_rounding_the_certified_one_is_kept(lower):
    monitor = Monitor(Scripted())
    certified, other = np.array([2.0, 2.0 - 1e-9]), np.array([lower, 1.0])
    for point in (np.array([3.0, 0.0]), other, certified, other):
        monitor.done(point, 0, 0.0)
    np.testing.assert_array_equal(monitor.best_W, certified)
    assert monitor.best_value == 2.0


def test_points_alike_to_their_neighbours_do_not_drift():
    monitor = Monitor(Scripted())
    for k in range(100):  # each a little higher, and nearer to its own bound
        monitor.done(np.array([2.0 + 9e-12 * k, 1.0 + 1e-3 * k]), k, 0.0)
    assert monitor.best_value <= 2.0 + 1e-10
    low = np.array([2.0 - 1e-9, 0.0])  # lower by more than rounding
    monitor.done(low, 100, 0.0)
    assert monitor.best_value == low[0]


def test_second_bounds_that_do_not_help_are_taken_ever_more_rarely():
    monitor, taken = Monitor(Scripted()), []
    monitor.done(np.array([2.0, 1.0]), 0, 0.0)
    bounds, squares = _SecondBound(monitor), Squares()
    for k in range(20):
        before = monitor.objective.count
        assert not bounds.ends(squares, np.array([3.0, 0.5]), 0.1)
        taken += [k] * (monitor.objective.count - before)
    assert taken == [0, 2, 5, 10, 19]
    assert not bounds.ends(squares, np.array([3.0, 1.95]), 0.1)  # not its turn


def test_a_second_bound_may_be_the_one_that_certifies():
    monitor = Monitor(Scripted())
    assert not monitor.done(np.array([2.0, 1.0]), 3, 0.1)
    assert _SecondBound(monitor).ends(Squares(), np.array([3.0, 1.95]), 0.1)
    assert monitor.best_value == 2.0
    assert monitor.history == [(3, monitor.best_gap)]
    assert monitor.best_gap == 2.0 - 1.95
