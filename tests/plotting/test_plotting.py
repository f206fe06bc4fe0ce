"""What the displays draw: the right numbers, in the right order, with labels."""

import sys
import warnings
from itertools import pairwise

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LassoCV, LinearRegression, MultiTaskLasso

from linmtl import (
    DirtyRegressor,
    DirtyRegressorCV,
    FactoredRegressor,
    IndependentRegressor,
    L21ClassifierCV,
    L21Regressor,
    L21RegressorCV,
    SCADRegressor,
    TraceNormRegressor,
)
from linmtl.datasets import make_multitask_classification, make_multitask_regression
from linmtl.losses import LOSSES
from linmtl.path import mtl_path
from linmtl.penalties import L21
from linmtl.plotting import (
    CoefficientDisplay,
    ConvergenceDisplay,
    PathDisplay,
    TaskGainDisplay,
    TaskMatrixDisplay,
)
from linmtl.similarity import TaskMatrix
from linmtl.transfer import negative_transfer_report

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _closed_figures():
    plt.close("all")  # of other files' tests in the same process
    yield
    plt.close("all")


def regression(n_tasks=4):
    return make_multitask_regression(n_tasks, 15, 20, random_state=0)


def labels(ax, side):
    ticks = ax.get_xticklabels() if side == "x" else ax.get_yticklabels()
    return [tick.get_text() for tick in ticks]


def overlaps(ax, side):
    """Whether two labels of an axis cover each other, once it is drawn."""
    ax.figure.draw_without_rendering()
    ticks = ax.get_xticklabels() if side == "x" else ax.get_yticklabels()
    boxes = [tick.get_window_extent() for tick in ticks]
    return any(a.overlaps(b) for a, b in pairwise(boxes))


def groups(T, n_groups=2, noise=0.01):
    """A similarity of tasks that belong to groups in turn."""
    rng = np.random.default_rng(0)
    group = np.arange(T) % n_groups
    values = (group[:, None] == group) + noise * rng.normal(size=(T, T))
    return (values + values.T) / 2, group


# --- matrices over pairs of tasks


@pytest.mark.parametrize("T", [3, 4, 12, 139])
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("kind", ["similarity", "distance", "gain"])
@pytest.mark.slow
def test_alike_tasks_are_neighbours(T, directed, kind):
    values, group = groups(T)
    if kind == "distance":
        values = values.max() - values
    if directed:  # what the two directions have in common counts
        odd = 100.0 * np.triu(np.random.default_rng(1).normal(size=(T, T)), 1)
        values = values + odd - odd.T
    matrix = TaskMatrix(values, np.arange(T), kind, directed=directed)
    display = TaskMatrixDisplay.from_matrix(matrix)
    order = display.order_
    np.testing.assert_array_equal(np.sort(order), np.arange(T))
    assert np.count_nonzero(np.diff(group[order])) == 1
    np.testing.assert_array_equal(
        display.image_.get_array(), values[np.ix_(order, order)]
    )
    assert display.ax_.get_xlabel() == ("to" if directed else "")
    assert display.ax_.get_ylabel() == ("from" if directed else "")


def test_the_order_given():
    values, _ = groups(5)
    matrix = TaskMatrix(values, list("edcba"), "similarity", "some name")
    display = TaskMatrixDisplay.from_matrix(matrix, order="given")
    np.testing.assert_array_equal(display.order_, np.arange(5))
    assert labels(display.ax_, "x") == labels(display.ax_, "y") == list("edcba")
    assert display.ax_.get_title() == "Some name"
    assert display.plot() is display
    with pytest.raises(ValueError, match="order must be one of 'dendrogram', 'given'"):
        TaskMatrixDisplay.from_matrix(matrix, order="name")
    with pytest.raises(TypeError, match="matrix must be a TaskMatrix, got DataFrame"):
        TaskMatrixDisplay.from_matrix(matrix.to_frame())


def test_labels_follow_the_order():
    values, _ = groups(6)
    matrix = TaskMatrix(values, list("abcdef"), "similarity")
    display = TaskMatrixDisplay.from_matrix(matrix)
    assert labels(display.ax_, "y") == matrix.tasks[display.order_].tolist()


@pytest.mark.parametrize("kind", ["gain", "similarity", "covariance"])
def test_zero_is_the_middle_of_colours_of_both_signs(kind):
    values = np.array([[9.0, 0.2, -0.1], [0.2, 9.0, 0.3], [-0.1, 0.3, 9.0]])
    display = TaskMatrixDisplay.from_matrix(TaskMatrix(values, list("abc"), kind))
    assert display.image_.get_clim() == (-0.3, 0.3)  # the diagonal does not count
    blue = display.image_.cmap(0.9)[2] > display.image_.cmap(0.9)[0]
    assert blue == (kind == "gain")


def test_gains_of_one_sign_keep_zero_in_the_middle():
    values = np.array([[0.0, 0.2], [0.1, 0.0]])
    matrix = TaskMatrix(values, ["a", "b"], "gain", directed=True)
    assert TaskMatrixDisplay.from_matrix(matrix).image_.get_clim() == (-0.2, 0.2)


def test_dark_is_alike():
    values = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]])
    for kind, near in (("distance", 0.0), ("similarity", 1.0)):
        image = TaskMatrixDisplay.from_matrix(
            TaskMatrix(values, list("abc"), kind)
        ).image_
        assert image.get_clim() == (1.0, 3.0)
        assert sum(image.cmap(near)[:3]) < sum(image.cmap(1.0 - near)[:3])


@pytest.mark.slow
def test_values_in_cells_of_few_tasks():
    values = np.array([[0.0, 0.256], [-0.101, 0.0]])
    matrix = TaskMatrix(values, ["a", "b"], "gain", directed=True)
    ax = TaskMatrixDisplay.from_matrix(matrix, order="given").ax_
    assert [text.get_text() for text in ax.texts] == ["0.00", "0.26", "-0.10", "0.00"]
    assert [text.get_position() for text in ax.texts][1] == (1, 0)
    assert not TaskMatrixDisplay.from_matrix(matrix, write=False).ax_.texts
    many = TaskMatrix(groups(13)[0], np.arange(13), "similarity")
    assert not TaskMatrixDisplay.from_matrix(many).ax_.texts
    assert len(TaskMatrixDisplay.from_matrix(many, write=True).ax_.texts) == 169


@pytest.mark.parametrize(
    ("scale", "written"),
    [(1e-5, "3e-06"), (0.03, "0.009"), (1, "0.30"), (8, "2.40"), (80, "24.0")]
    + [(5000, "1500"), (1e9, "3e+08")],
)
@pytest.mark.slow
def test_numbers_have_the_digits_of_their_scale(scale, written):
    values = scale * np.array([[0.0, 1.0, 0.3], [1.0, 0.0, 0.3], [0.3, 0.3, 0.0]])
    matrix = TaskMatrix(values, list("abc"), "covariance")
    ax = TaskMatrixDisplay.from_matrix(matrix, order="given").ax_
    assert ax.texts[2].get_text() == written


@pytest.mark.slow
def test_few_gains_far_beyond_the_others():
    """They do not set the scale of the others, and the colour bar says so."""
    rng = np.random.default_rng(0)
    values = rng.uniform(-0.1, 0.1, (40, 40))
    values[:5, 7] = -30.0
    display = TaskMatrixDisplay.from_matrix(
        TaskMatrix(values, np.arange(40), "gain", directed=True)
    )
    low, high = display.image_.get_clim()
    assert -low == high < 0.1
    assert display.image_.colorbar.extend == "min"
    display.plot(limits=(-40, 40))
    assert display.image_.get_clim() == (-40, 40)
    assert display.image_.colorbar.extend == "neither"


@pytest.mark.parametrize("T", range(2, 12))
@pytest.mark.slow
def test_one_gain_among_zeros_is_in_sight(T):
    """Whatever the number of the others: the scale is never that of zeros."""
    values = np.zeros((T, T))
    values[0, 1] = 0.4
    matrix = TaskMatrix(values, np.arange(T), "gain", directed=True)
    low, high = TaskMatrixDisplay.from_matrix(matrix).image_.get_clim()
    assert -low == high == 0.4
    display = TaskGainDisplay(np.arange(T), values[0], values[0], values[0]).plot()
    assert display.ax_.get_xlim()[1] > 40


@pytest.mark.product(
    T=[1, 4, 30],
    bad=[np.nan, np.inf, -np.inf],
    kind=["gain", "distance"],
    how=["a cell", "a task", "all"],
)
@pytest.mark.slow
def test_cells_without_a_value(T, bad, kind, how):
    values, _ = groups(T)
    if how == "a cell":
        values[0, -1] = bad
    elif how == "a task":
        values[0] = values[:, 0] = bad
    else:
        values[:] = bad
    matrix = TaskMatrix(values, np.arange(T), kind, directed=True)
    display = TaskMatrixDisplay.from_matrix(matrix)
    display.figure_.canvas.draw()
    np.testing.assert_array_equal(np.sort(display.order_), np.arange(T))
    shown = display.image_.get_array()
    here = np.isnan(values[np.ix_(display.order_, display.order_)])
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), here)
    assert np.all(np.isfinite(display.image_.get_clim()))
    if T <= 4:  # there is room for numbers
        written = [text.get_text() for text in display.ax_.texts]
        assert written.count("–") == here.sum()


def test_one_task():
    display = TaskMatrixDisplay.from_matrix(TaskMatrix([[1.0]], ["a"], "similarity"))
    assert labels(display.ax_, "x") == ["a"]
    low, high = display.image_.get_clim()
    assert low < high


@pytest.mark.parametrize("T", [4, 12, 139])
@pytest.mark.slow
def test_labels_can_be_read(T):
    """None covers its neighbour or is smaller than six points."""
    tasks = [f"north-eastern_{i}" for i in range(T)]
    ax = TaskMatrix(groups(T)[0], tasks, "similarity").plot()
    for side in "xy":
        shown = labels(ax, side)
        assert len(shown) >= min(T, 50)
        assert set(shown) <= set(tasks)
        assert not overlaps(ax, side)
    assert min(tick.get_size() for tick in ax.get_yticklabels()) >= 6


@pytest.mark.slow
def test_labels_are_text():
    """No formulas, no second lines, and no longer than can be read."""
    tasks = ["$\\frac", "two\nlines", "a" + 50 * "b" + "c", "_x"]
    ax = TaskMatrix(groups(4)[0], tasks, "similarity", "$\\frac{").plot()
    ax.figure.canvas.draw()
    short = [text for text in labels(ax, "y") if "…" in text]
    assert {"$\\frac", "two lines", "_x"} == set(labels(ax, "y")) - set(short)
    assert len(short[0]) == 24
    assert (short[0][0], short[0][-1]) == ("a", "c")


# --- gains of tasks


def gains(T):
    rng = np.random.default_rng(0)
    effect, reach = 0.1 * rng.normal(size=T), rng.uniform(0.05, 0.1, T)
    low, high = effect - reach, effect + reach
    verdict = np.where(low > 0, "helped", np.where(high < 0, "hurt", "undecided"))
    return [f"task {t}" for t in range(T)], effect, low, high, verdict


@pytest.mark.parametrize("T", [1, 4, 139])
@pytest.mark.slow
def test_tasks_are_sorted_by_their_gain(T):
    tasks, effect, low, high, verdict = gains(T)
    display = TaskGainDisplay(tasks, effect, low, high, verdict).plot()
    np.testing.assert_array_equal(display.order_, np.argsort(-effect))
    ax = display.ax_
    top, bottom = (ax.transData.transform((0, row))[1] for row in (0, T - 1))
    assert top >= bottom
    assert labels(ax, "y")[0] == tasks[np.argmax(effect)]
    assert not overlaps(ax, "y")
    assert len(labels(ax, "y")) >= min(T, 60)
    for name, points in display.points_.items():
        x, row = points.get_data()
        chosen = display.order_[row.astype(int)]
        assert set(verdict[chosen]) == {name}
        np.testing.assert_allclose(x, 100 * effect[chosen])
    assert sum(len(p.get_xdata()) for p in display.points_.values()) == T
    assert len({p.get_color() for p in display.points_.values()}) == len(
        display.points_
    )


def test_intervals_of_gains():
    tasks, effect, low, high, verdict = gains(6)
    ax = TaskGainDisplay(tasks, effect, low, high, verdict).plot().ax_
    ends = np.concatenate([c.get_segments() for c in ax.collections])[:, :, 0]
    np.testing.assert_allclose(np.sort(ends[:, 0]), np.sort(100 * low))
    np.testing.assert_allclose(np.sort(ends[:, 1]), np.sort(100 * high))
    found = [text.get_text() for text in ax.get_legend().get_texts()]
    assert found == [
        f"{name} ({np.sum(verdict == name)})"
        for name in ("helped", "hurt", "undecided")
        if np.any(verdict == name)
    ]


def test_gains_without_intervals_and_verdicts():
    display = TaskGainDisplay([1, 2], [0.1, -0.1], baseline="a ridge").plot()
    assert display.ax_.get_xlabel() == "held-out loss saved, against a ridge (%)"
    assert display.ax_.get_legend() is None
    assert labels(display.ax_, "y") == ["1", "2"]


def test_gains_that_are_missing_come_last():
    display = TaskGainDisplay(list("abcd"), [np.nan, -0.1, np.nan, 0.2]).plot()
    assert labels(display.ax_, "y") == ["d", "b", "a", "c"]
    assert [text.get_text() for text in display.ax_.texts] == 2 * ["not judged"]
    display = TaskGainDisplay(["a", "b"], [np.nan, np.nan]).plot()
    display.figure_.canvas.draw()


def test_verdicts_without_a_percentage():
    display = TaskGainDisplay(
        list("abc"), [np.nan, -0.1, np.nan], verdict=["hurt", "hurt", "undecided"]
    ).plot()
    found = [text.get_text() for text in display.ax_.texts]
    assert found == ["hurt: the baseline has no loss", "not judged"]
    assert [t.get_text() for t in display.ax_.get_legend().get_texts()] == ["hurt (2)"]


@pytest.mark.slow
def test_gains_far_beyond_the_others():
    tasks, effect, low, high, verdict = gains(40)
    effect[3], low[3], high[3] = -30.0, -50.0, -10.0
    effect[4] = low[4] = -np.inf
    display = TaskGainDisplay(tasks, effect, low, high, verdict).plot()
    left, right = display.ax_.get_xlim()
    assert -100 < left < right < 100
    assert {text.get_text() for text in display.ax_.texts} == {"-3000 %", "-inf %"}
    np.testing.assert_array_equal(display.order_[-2:], [3, 4])
    drawn = np.concatenate([p.get_xdata() for p in display.points_.values()])
    assert drawn.min() == left
    display.figure_.canvas.draw()


@pytest.mark.parametrize("T", [1, 5, 150])
@pytest.mark.slow
def test_a_histogram_of_gains_counts_every_task(T):
    tasks, effect, low, high, verdict = gains(T)
    if T == 150:
        effect[3], effect[4], effect[5] = -30.0, -np.inf, np.nan
    display = TaskGainDisplay(tasks, effect, low, high, verdict)
    display.plot(kind="histogram")
    ax = display.ax_
    drawn = 0
    for name, bars in display.points_.items():
        count = sum(bar.get_height() for bar in bars)
        assert count == np.sum((verdict == name) & ~np.isnan(effect))
        drawn += count
    assert drawn == np.sum(~np.isnan(effect))
    ends = np.concatenate([bar.get_corners()[:, 0] for bar in bars])
    assert np.abs(ends).min() < 1e-9  # no bar is on both sides of zero
    left, right = ax.get_xlim()
    assert left <= 0 <= right
    if T == 150:
        assert left > -200
        assert [text.get_text() for text in ax.texts] == [f"2 beyond {left:+.0f} %"]
    display.figure_.canvas.draw()


def test_a_histogram_of_no_gains():
    display = TaskGainDisplay(["a", "b"], [0.0, np.nan]).plot(kind="histogram")
    assert display.ax_.get_legend() is None
    with pytest.raises(ValueError, match="kind must be one of 'points', 'histogram'"):
        display.plot(kind="bars")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"effect": [0.1]}, r"effect has shape \(1,\)"),
        ({"low": [[0.1, 0.2]]}, r"low has shape \(1, 2\)"),
        ({"verdict": ["helped"]}, r"verdict has shape \(1,\)"),
        ({"verdict": ["helped", "good"]}, "verdict must be one of .* got 'good'"),
        ({"tasks": []}, "effect has shape"),
        ({"tasks": [], "effect": []}, "tasks is empty"),
    ],
)
def test_gains_that_do_not_fit(change, match):
    given = {"tasks": ["a", "b"], "effect": [0.1, 0.2]} | change
    with pytest.raises(ValueError, match=match):
        TaskGainDisplay(**given).plot()
    assert not plt.get_fignums()


@pytest.mark.slow
def test_a_report_is_drawn():
    X, y, tasks = regression()
    report = negative_transfer_report(L21Regressor(0.1), X, y, tasks, cv=5)
    ax = report.plot()
    assert "learning alone" in ax.get_xlabel()
    display = TaskGainDisplay.from_report(report, against="pooled")
    assert "one model for all tasks" in display.ax_.get_xlabel()
    np.testing.assert_array_equal(display.effect, report.pooled.effect)
    with pytest.raises(ValueError, match="against must be one of"):
        TaskGainDisplay.from_report(report, against="ridge")


# --- coefficients


def test_coefficients():
    X, y, tasks = regression()
    tasks = np.array(list("wxyz"))[tasks]
    model = L21Regressor(0.1).fit(X, y, tasks)
    display = CoefficientDisplay.from_estimator(model)
    (image,) = display.images_
    np.testing.assert_array_equal(image.get_array(), model.coef_.T)
    top = np.abs(model.coef_).max()
    assert image.get_clim() == (-top, top)
    assert labels(display.ax_, "x") == list("wxyz")
    assert labels(display.ax_, "y") == [str(j) for j in range(15)]
    ordered = CoefficientDisplay.from_estimator(model, order="norm", top=6)
    norm = np.linalg.norm(model.coef_, axis=0)
    np.testing.assert_array_equal(ordered.features_, np.argsort(-norm)[:6])
    kept = CoefficientDisplay.from_estimator(model, top=6)
    np.testing.assert_array_equal(kept.features_, np.sort(ordered.features_))
    np.testing.assert_array_equal(
        kept.images_[0].get_array(), model.coef_[:, kept.features_].T
    )
    assert CoefficientDisplay.from_estimator(model, top=99).features_.shape == (15,)


def test_names_of_features():
    X, y, tasks = regression()
    names = [f"f{j}" for j in range(15)]
    frame = pd.DataFrame(X, columns=names)
    model = L21Regressor(0.1).fit(frame, y, tasks)
    display = CoefficientDisplay.from_estimator(model, order="norm", top=4)
    assert labels(display.ax_, "y") == [names[j] for j in display.features_]
    model = L21Regressor(0.1, task_column="site").fit(frame.assign(site=tasks), y)
    assert labels(CoefficientDisplay.from_estimator(model).ax_, "y") == names
    given = CoefficientDisplay.from_estimator(model, feature_names=names[::-1])
    assert labels(given.ax_, "y") == names[::-1]


@pytest.mark.slow
def test_parts_of_a_decomposition():
    X, y, tasks = regression()
    model = DirtyRegressor(0.5, 0.2).fit(X, y, tasks)
    display = CoefficientDisplay.from_estimator(model, components=True)
    assert [ax.get_title() for ax in display.axes_] == ["Shared", "Own"]
    limits = {image.get_clim() for image in display.images_}
    assert len(limits) == 1
    for image, part in zip(
        display.images_, model.coef_components_.values(), strict=True
    ):
        np.testing.assert_array_equal(image.get_array(), part.T)
    _, axes = plt.subplots(2)
    given = CoefficientDisplay.from_estimator(model, components=True, ax=axes)
    assert given.ax_ is axes[0]
    assert given.figure_ is axes[0].figure
    with pytest.raises(ValueError, match="ax holds 1 axes but there are 2 panels"):
        CoefficientDisplay.from_estimator(model, components=True, ax=axes[0])
    with pytest.raises(ValueError, match="L21Regressor is no decomposition"):
        CoefficientDisplay.from_estimator(
            L21Regressor().fit(X, y, tasks), components=True
        )


def test_coefficients_of_other_models():
    X, y, _ = regression()
    single = L21Regressor(0.1).fit(X, y)
    assert CoefficientDisplay.from_estimator(single).images_[0].get_size() == (15, 1)
    Y = np.column_stack([y, -y])
    theirs = MultiTaskLasso(0.1).fit(X, Y)
    display = CoefficientDisplay.from_estimator(theirs)
    np.testing.assert_array_equal(display.images_[0].get_array(), theirs.coef_.T)
    with pytest.raises(NotFittedError):
        CoefficientDisplay.from_estimator(L21Regressor())


@pytest.mark.parametrize(("T", "d"), [(1, 1), (4, 2000), (139, 30), (139, 2000)])
@pytest.mark.slow
def test_coefficients_of_all_sizes(T, d):
    rng = np.random.default_rng(0)
    display = CoefficientDisplay(rng.normal(size=(T, d))).plot()
    assert np.all(display.figure_.get_size_inches() < 18)
    assert not overlaps(display.ax_, "x")
    assert not overlaps(display.ax_, "y")


@pytest.mark.slow
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_coefficients_that_are_not_finite(bad):
    coef = np.arange(6.0).reshape(2, 3)
    coef[0, 1] = bad
    display = CoefficientDisplay(coef, order="norm", top=2).plot()
    display.figure_.canvas.draw()
    assert display.images_[0].get_clim() == (-5.0, 5.0)
    CoefficientDisplay(np.zeros((2, 3))).plot().figure_.canvas.draw()
    CoefficientDisplay(np.full((2, 3), bad)).plot().figure_.canvas.draw()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"coef": np.ones(3)}, r"pass matrices of one shape \(n_tasks, n_features\)"),
        ({"coef": np.ones((0, 3))}, "pass matrices of one shape"),
        ({"coef": {"a": np.ones((2, 3)), "b": np.ones((2, 4))}}, "of one shape"),
        ({"coef": {}}, "coef is empty"),
        ({"tasks": ["a"]}, r"tasks has shape \(1,\); pass 2 names"),
        ({"feature_names": ["a", "b"]}, r"feature_names has shape \(2,\); pass 3"),
        ({"feature_names": "abc"}, "feature_names is the single text 'abc'"),
        ({"order": "name"}, "order must be one of 'given', 'norm'"),
        ({"top": 0}, "top must be an integer >= 1 or None, got 0"),
        ({"top": True}, "top must be an integer >= 1 or None, got True"),
        ({"top": 1.5}, "top must be an integer"),
    ],
)
def test_coefficients_that_do_not_fit(change, match):
    with pytest.raises(ValueError, match=match):
        CoefficientDisplay(**{"coef": np.ones((2, 3))} | change).plot()
    assert not plt.get_fignums()


# --- paths


def test_path_of_norms():
    X, y, tasks = regression()
    alphas, coefs, _ = mtl_path(X, y, tasks, penalty=L21(), alphas=12)
    names = [f"_f{j}" for j in range(15)]  # no label to be left out
    display = PathDisplay.from_path(
        alphas, coefs, feature_names=names, chosen=alphas[3]
    )
    norms = np.linalg.norm(coefs, axis=0)
    largest = np.argsort(-norms.max(axis=1))
    assert len(display.lines_) == 8
    for line, j in zip(display.lines_, largest, strict=False):
        np.testing.assert_array_equal(line.get_xdata(), alphas)
        np.testing.assert_allclose(line.get_ydata(), norms[j])
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == [names[j] for j in largest[:8]] + [f"chosen: {alphas[3]:.3g}"]
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.xaxis_inverted()
    (others,) = display.ax_.collections
    assert len(others.get_segments()) == 7
    top = display.ax_.get_ylim()[1]
    assert norms.max() <= top


def test_path_of_coefficients():
    X, y, tasks = regression()
    alphas, coefs, _ = mtl_path(X, y, tasks, penalty=L21(), alphas=6)
    display = PathDisplay.from_path(alphas, coefs, kind="coef")
    assert len(display.lines_) == 8 * 4
    j = np.argmax(np.linalg.norm(coefs, axis=0).max(axis=1))
    for t in range(4):
        np.testing.assert_array_equal(display.lines_[t].get_ydata(), coefs[t, j])
    assert len({line.get_color() for line in display.lines_[:4]}) == 1
    assert len({line.get_color() for line in display.lines_}) == 8


def test_a_path_to_a_strength_of_zero():
    display = PathDisplay.from_path([1.0, 0.1, 0.0], np.ones((2, 3, 3)))
    display.figure_.canvas.draw()
    ax = display.ax_
    places = ax.transData.transform([(alpha, 0) for alpha in (1.0, 0.1, 0.0)])[:, 0]
    assert np.all(np.diff(places) > 10)


def test_held_out_losses():
    X, y, tasks = regression()
    model = L21RegressorCV(alphas=8, cv=4).fit(X, y, tasks)
    display = PathDisplay.from_estimator(model)
    (line,) = display.lines_
    np.testing.assert_array_equal(line.get_xdata(), model.alphas_)
    np.testing.assert_allclose(line.get_ydata(), model.mse_path_.mean(axis=1))
    (bars,) = display.ax_.collections
    half = np.diff(np.array(bars.get_segments())[:, :, 1], axis=1)[:, 0] / 2
    error = model.mse_path_.std(axis=1, ddof=1) / np.sqrt(4)
    np.testing.assert_allclose(half, error)
    chosen = display.ax_.lines[-1]
    assert set(chosen.get_xdata()) == {model.alpha_}
    assert display.ax_.get_ylabel() == "held-out mean squared error"


def test_held_out_log_loss():
    X, y, tasks = make_multitask_classification(3, 8, 60, random_state=0)
    model = L21ClassifierCV(alphas=[0.1, 0.05, 0.01], cv=3).fit(X, y, tasks)
    display = PathDisplay.from_estimator(model)
    losses = display.lines_[0].get_ydata()
    np.testing.assert_allclose(losses, -model.scores_path_.mean(axis=1))
    assert losses.min() > 0
    assert model.alphas_[np.argmin(losses)] == model.alpha_


@pytest.mark.slow
def test_held_out_losses_of_several_settings():
    X, y, tasks = regression()
    model = DirtyRegressorCV(alphas=6, cv=3).fit(X, y, tasks)
    assert model.alphas_.ndim == 2
    display = PathDisplay.from_estimator(model)
    mean = model.mse_path_.mean(axis=-1)
    best = np.unravel_index(np.argmin(mean), mean.shape)
    np.testing.assert_allclose(display.lines_[0].get_ydata(), mean[best[0]])
    assert display.lines_[0].get_xdata()[best[1]] == model.alpha_
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == [
        "mean of 3 folds, ± standard error",
        "other parameters",
        f"chosen: {model.alpha_:.3g}",
    ]


@pytest.mark.slow
def test_losses_that_are_missing():
    losses = np.array([[1.0, np.nan], [np.nan, np.nan], [0.5, 0.7]])
    display = PathDisplay([3.0, 2.0, 1.0], losses=losses).plot()
    display.figure_.canvas.draw()
    np.testing.assert_allclose(display.lines_[0].get_ydata(), [1.0, np.nan, 0.6])


def test_a_path_of_scikit_learn():
    X, y, _ = regression()
    model = LassoCV(cv=3).fit(X, y)
    display = PathDisplay.from_estimator(model)
    np.testing.assert_allclose(
        display.lines_[0].get_ydata(), model.mse_path_.mean(axis=1)
    )
    with pytest.raises(TypeError, match="LinearRegression has no path"):
        PathDisplay.from_estimator(LinearRegression().fit(X, y))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({}, "either coefs or losses"),
        ({"coefs": np.ones((1, 2, 3)), "losses": np.ones((3, 2))}, "either coefs"),
        ({"coefs": np.ones((2, 3))}, r"coefs has shape \(2, 3\) and alphas \(3,\)"),
        ({"coefs": np.ones((1, 2, 4))}, r"pass \(n_tasks, n_features, n_alphas\)"),
        ({"losses": np.ones(3)}, r"losses has shape \(3,\)"),
        ({"losses": np.ones((3, 0))}, "has no number"),
        ({"losses": np.full((3, 2), np.nan)}, "has no number"),
        ({"coefs": np.ones((1, 2, 3)), "kind": "row"}, "kind must be one of"),
        ({"coefs": np.ones((1, 2, 3)), "feature_names": ["a"]}, "pass 2 names"),
        ({"alphas": [1, -1, 2], "coefs": np.ones((1, 2, 3))}, "alphas must be"),
        ({"alphas": [], "coefs": np.ones((1, 2, 0))}, "alphas must be"),
    ],
)
def test_paths_that_do_not_fit(change, match):
    with pytest.raises(ValueError, match=match):
        PathDisplay(**{"alphas": [3.0, 2.0, 1.0]} | change).plot()
    assert not plt.get_fignums()


# --- convergence


@pytest.mark.parametrize("solver", ["apg", "admm"])
def test_gaps_of_a_fit(solver):
    X, y, tasks = regression()
    model = TraceNormRegressor(0.1, solver=solver, tol=1e-8).fit(X, y, tasks)
    history = model.gap_history_
    assert history.shape[1] == 2
    assert len(history) > 2
    assert np.all(np.diff(history[:, 0]) >= 0)
    assert np.all(np.diff(history[:, 1]) <= 0)  # of the best point and bound so far
    assert history[-1, 0] == model.n_iter_
    assert history[-1, 1] == model.dual_gap_
    display = ConvergenceDisplay.from_estimator(model)
    line = display.lines_[solver]
    np.testing.assert_array_equal(line.get_xydata(), history)
    assert display.ax_.get_yscale() == "log"
    assert any(set(other.get_ydata()) == {model.tol_} for other in display.ax_.lines)


def test_gaps_of_several_fits_on_the_same_axes():
    X, y, tasks = regression()
    ax = None
    for alpha in (0.1, 0.2):
        model = TraceNormRegressor(alpha).fit(X, y, tasks)
        display = ConvergenceDisplay.from_estimator(model, name=f"{alpha}", ax=ax)
        ax = display.ax_ if ax is None else ax
        assert display.ax_ is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0.1", "0.2"]
    assert len(plt.get_fignums()) == 1


def test_gaps_of_every_kind_of_fit():
    """A history is that of the last fit, and of models that have a gap."""
    X, y, tasks = regression()
    model = IndependentRegressor(0.1).fit(X, y, tasks)
    assert model.gap_history_[-1, 1] == model.dual_gap_
    ConvergenceDisplay.from_estimator(model).figure_.canvas.draw()
    cv = L21RegressorCV(alphas=3, cv=3).fit(X, y, tasks)
    assert cv.gap_history_[-1, 1] == cv.dual_gap_
    # that of the last stage
    staged = SCADRegressor(0.1).fit(X, y, tasks)
    assert staged.gap_history_[-1, 1] == staged.dual_gap_
    factored = FactoredRegressor(2).fit(X, y, tasks)
    assert not hasattr(factored, "gap_history_")
    with pytest.raises(TypeError, match="FactoredRegressor has no gap_history_"):
        ConvergenceDisplay.from_estimator(factored)


@pytest.mark.slow
def test_gaps_that_no_logarithm_has():
    history = [[0, np.inf], [1, 1.0], [2, 0.1], [3, 0.0]]
    display = ConvergenceDisplay.from_history(history, unit="seconds")
    display.figure_.canvas.draw()
    ((_, line),) = display.lines_.items()
    np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
    assert 0 < line.get_ydata()[-1] < 0.1
    assert display.ax_.get_xlabel() == "seconds"
    for history in ([[0, 0.0]], np.empty((0, 2)), [[0, np.nan]]):
        ConvergenceDisplay.from_history(history).figure_.canvas.draw()


@pytest.mark.parametrize("history", [[1.0, 0.1], np.ones((3, 4))])
def test_histories_that_do_not_fit(history):
    with pytest.raises(ValueError, match=r"pass \(n_certificates, 2\)"):
        ConvergenceDisplay.from_history(history)
    assert not plt.get_fignums()


# --- all of them


DRAWN = {
    "TaskMatrixDisplay": lambda: TaskMatrixDisplay(
        TaskMatrix(groups(4)[0], list("abcd"), "similarity")
    ),
    "TaskGainDisplay": lambda: TaskGainDisplay(*gains(4)),
    "CoefficientDisplay": lambda: CoefficientDisplay(np.ones((2, 3))),
    "PathDisplay": lambda: PathDisplay([2.0, 1.0], np.ones((2, 3, 2))),
    "ConvergenceDisplay": lambda: ConvergenceDisplay([[0, 1.0], [1, 0.1]]),
}


@pytest.mark.parametrize("name", DRAWN)
def test_where_a_display_draws(name):
    """On the axes given, without a figure of its own or another current one."""
    figure, (left, right) = plt.subplots(1, 2)
    current = plt.gca()
    display = DRAWN[name]()
    assert display.plot(left) is display
    assert display.ax_ is left
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert plt.gca() is current is right
    assert display.plot().ax_ is not left
    assert len(plt.get_fignums()) == 2


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_without_pyplot(name):
    figure = matplotlib.figure.Figure()
    part = figure.subfigures(1, 2)[0]
    display = DRAWN[name]().plot(part.subplots())
    figure.draw_without_rendering()
    assert display.figure_ is part
    assert not plt.get_fignums()


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_is_not_changed(name):
    display = DRAWN[name]()
    given = dict(vars(display))
    display.plot()
    assert {k: v for k, v in vars(display).items() if not k.endswith("_")} == given


@pytest.mark.parametrize("name", DRAWN)
def test_without_matplotlib(name, monkeypatch):
    for module in ("matplotlib", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"pip install 'linmtl\[plot\]'"):
        DRAWN[name]().plot()


@pytest.mark.parametrize("loss", ["huber", "poisson", "tweedie"])
def test_the_path_of_another_loss(loss):
    X, y, tasks = regression()
    y = np.abs(np.round(y))
    model = L21RegressorCV(alphas=3, eps=0.3, cv=2, loss=loss, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        display = PathDisplay.from_estimator(model.fit(X, y, tasks))
    assert display.ax_.get_ylabel() == f"held-out {LOSSES[loss].score.name}"
