"""Of all points that a solver reports, which is kept."""

import numpy as np
import pytest

from linmtl.solvers._monitor import Monitor
from linmtl.solvers._objective import Certificate


class Scripted:
    """An objective whose certificates are given."""

    rounding = 1e-10

    def certificate(self, point, residuals):
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
