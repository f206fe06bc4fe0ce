"""TargetScaler: one scale for targets, NaN kept, back again."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from linmtl import L21Regressor
from linmtl.datasets import make_multitask_regression
from linmtl.preprocessing import TargetScaler

ONE_D = {
    "check_fit1d": "targets may have one dimension",
    "check_fit2d_predict1d": "targets may have one dimension",
}


@parametrize_with_checks(
    [TargetScaler(), TargetScaler(per_task=True)],
    expected_failed_checks=lambda _: ONE_D,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def wide():
    rng = np.random.default_rng(0)
    Y = 5.0 + rng.normal(size=(20, 3)) * [1.0, 10.0, 100.0]
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return Y


@pytest.mark.parametrize("options", [{}, {"with_mean": False}, {"with_std": False}])
def test_each_column_as_scikit_learn_scales_it(options):
    Y = wide()
    scaler = TargetScaler(per_task=True, **options)
    scaled = scaler.fit_transform(Y)
    np.testing.assert_allclose(scaled, StandardScaler(**options).fit_transform(Y))
    np.testing.assert_allclose(scaler.inverse_transform(scaled), Y)


def test_all_columns_alike():
    Y = wide()
    scaler = TargetScaler().fit(Y)
    scaled = scaler.transform(Y)
    np.testing.assert_allclose(scaled, (Y - np.nanmean(Y)) / np.nanstd(Y))
    assert scaler.mean_.shape == scaler.scale_.shape == (1,)
    np.testing.assert_allclose(scaler.inverse_transform(scaled), Y)


def test_long_targets_are_scaled_within_tasks():
    Y = wide()
    y, tasks = Y.T.ravel(), np.repeat(["a", "b", "c"], len(Y))
    scaler = TargetScaler(per_task=True)
    scaled = scaler.fit_transform(y, tasks=tasks)
    assert scaler.tasks_.tolist() == ["a", "b", "c"]
    assert scaled.shape == y.shape
    each = TargetScaler(per_task=True).fit_transform(Y)
    np.testing.assert_allclose(scaled, each.T.ravel())
    np.testing.assert_allclose(scaler.inverse_transform(scaled, tasks), y)
    # without per_task the tasks do not matter
    together = TargetScaler().fit(y, tasks=tasks)
    np.testing.assert_allclose(together.transform(y), TargetScaler().fit_transform(y))
    with pytest.raises(ValueError, match="needs the task of each row"):
        scaler.transform(y)
    with pytest.raises(ValueError, match="each column is a task"):
        scaler.fit(Y, tasks=tasks[:20])


@pytest.mark.parametrize("per_task", [True, False])
def test_in_a_regressor_of_transformed_targets(per_task):
    X, Y = make_multitask_regression(
        n_tasks=3, n_samples=30, shared_X=True, layout="wide", random_state=0
    )
    Y = Y * [1.0, 10.0, 100.0] + 7.0
    scaler = TargetScaler(per_task=per_task)
    model = TransformedTargetRegressor(L21Regressor(0.1), transformer=scaler).fit(X, Y)
    by_hand = L21Regressor(0.1).fit(X, scaler.fit_transform(Y))
    expected = scaler.inverse_transform(by_hand.predict(X))
    np.testing.assert_allclose(model.predict(X), expected)


def test_constant_targets_and_targets_of_one_dimension():
    assert TargetScaler().fit_transform([2.0, 2.0]).tolist() == [0.0, 0.0]
    y = np.arange(5.0)
    scaler = TargetScaler().fit(y)
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(y)), y)


def test_predictions_have_no_names_and_tasks_are_those_of_fit():
    pd = pytest.importorskip("pandas")
    Y = pd.DataFrame({"a": [1.0, 2.0, np.nan], "b": [3.0, 5.0, 4.0]})
    scaler = TargetScaler(per_task=True)
    np.testing.assert_allclose(scaler.inverse_transform(scaler.fit_transform(Y)), Y)
    with pytest.raises(ValueError, match="X has 1 features, but TargetScaler is exp"):
        scaler.inverse_transform([1.0, 2.0])
    scaler.fit([1.0, 2.0, 3.0, 5.0], tasks=["u", "u", "v", "v"])
    with pytest.raises(ValueError, match=r"labels 'w', which TargetScaler .* 'u', 'v'"):
        scaler.transform([1.0, 2.0], tasks=["u", "w"])
