"""Sites answer with sums and fit what one place would."""

import threading

import numpy as np
import pytest

from helpers.parts import data
from linmtl import (
    L21Classifier,
    L21Regressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
)
from linmtl.distributed._messages import pack, unpack
from linmtl.federated import Site, fit_sites, folder_site, serve_folder


def sites_of(X, y, tasks):
    return [Site(X[tasks == t], y[tasks == t], t) for t in np.unique(tasks)]


def test_squared_loss_is_the_fit_of_all_rows_after_one_question():
    X, y, tasks = data()
    asked = []

    def counted(site):
        return lambda message: asked.append(1) or site(message)

    sites = [counted(site) for site in sites_of(X, y, tasks)]
    model = fit_sites(L21Regressor(0.1, tol=1e-10), sites)
    whole = L21Regressor(0.1, tol=1e-10).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-8)
    assert model.dual_gap_ <= model.tol_
    assert len(asked) == 4


def test_a_strength_is_chosen_without_a_row():
    X, y, tasks = data()
    model = fit_sites(MeanRegularizedRegressorCV(cv=4), sites_of(X, y, tasks))
    assert model.alpha_ > 0


@pytest.mark.parametrize("kind", [L21Classifier, MeanRegularizedClassifier])
def test_labels_take_a_few_questions(kind):
    X, y, tasks = data(True)
    y = np.where(y > 0, "ill", "well")
    model = fit_sites(kind(0.05, tol=1e-9), sites_of(X, y, tasks))
    whole = kind(0.05, tol=1e-9).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-4)
    np.testing.assert_array_equal(model.predict(X, tasks), whole.predict(X, tasks))
    assert model.objective_ == pytest.approx(whole.objective_, abs=1e-8)
    assert model.n_iter_ <= 8


def test_a_site_may_have_rows_of_several_tasks():
    X, y, tasks = data()
    half = np.arange(y.size) % 2 == 0
    sites = [Site(X[h], y[h], tasks[h]) for h in (half, ~half)]
    model = fit_sites(MeanRegularizedRegressor(0.3), sites)
    whole = MeanRegularizedRegressor(0.3).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-8)


def test_files_in_a_folder_carry_questions_and_answers(tmp_path):
    X, y, tasks = data(True)
    names = [f"clinic-{t}" for t in range(4)]
    workers = [
        threading.Thread(
            target=serve_folder,
            args=(site, tmp_path, name),
            kwargs={"until": 60.0},
            daemon=True,
        )
        for site, name in zip(sites_of(X, y, tasks), names, strict=True)
    ]
    for worker in workers:
        worker.start()
    far = [folder_site(tmp_path, name, timeout=60.0) for name in names]
    model = fit_sites(L21Classifier(0.05), far)
    (tmp_path / "stop").touch()
    for worker in workers:
        worker.join(30.0)
    here = fit_sites(L21Classifier(0.05), sites_of(X, y, tasks))
    np.testing.assert_array_equal(model.coef_, here.coef_)
    assert not list(tmp_path.glob("*.part"))


def test_a_site_that_is_silent_is_named(tmp_path):
    with pytest.raises(TimeoutError, match="site 'north' has not answered"):
        fit_sites(L21Classifier(), [folder_site(tmp_path, "north", timeout=0.1)])


def test_few_rows_are_not_told_about():
    X, y, tasks = data()
    with pytest.raises(ValueError, match="have fewer than min_rows=10"):
        Site(X[:7], y[:7], "here")
    site = Site(X, np.where((tasks == tasks[0]) & (X[:, 0] > -1), np.nan, y), tasks)
    with pytest.raises(ValueError, match="would tell about single rows"):
        fit_sites(L21Regressor(), [site])
    with pytest.raises(ValueError, match="would tell about single rows"):
        fit_sites(MeanRegularizedRegressorCV(cv=8), sites_of(X, y, tasks))


def test_messages_hold_no_code_and_are_checked():
    message = pack({"a": np.arange(3), "b": [1, None, "x", 2.5, True]})
    assert b"pickle" not in message
    found = unpack(message)
    np.testing.assert_array_equal(found["a"], np.arange(3))
    assert found["b"] == [1, None, "x", 2.5, True]
    X, y, tasks = data()
    site = sites_of(X, y, tasks)[0]
    with pytest.raises(ValueError, match="no message"):
        site(b"rubbish")
    for damaged in (message[:-10], message[:40], b""):
        with pytest.raises(ValueError, match="no message"):
            unpack(damaged)
    with pytest.raises(ValueError, match="no question of linmtl"):
        site(pack({"question": "eval"}))
    with pytest.raises(TypeError, match="cannot be sent"):
        pack(object())


def test_sites_that_do_not_fit_together_are_refused():
    X, y, tasks = data()
    one, two = sites_of(X, y, tasks)[:2]
    other = Site(X[:20, :3], y[:20], 9)
    with pytest.raises(ValueError, match="features"):
        fit_sites(L21Regressor(), [one, two, other])
    with pytest.raises(ValueError, match="no sites"):
        fit_sites(L21Regressor(), [])
