"""Sites answer with sums and fit what one place would."""

import threading
from functools import partial

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from helpers.parts import data
from linmtl import (
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    federated,
)
from linmtl.distributed._messages import pack, pack_question, unpack
from linmtl.distributed._rows import Bound, Model, Reading, newton_sums, survey
from linmtl.federated import Site, SiteError, fit_sites, folder_site, serve_folder
from linmtl.losses import LOSSES


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
@pytest.mark.slow
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


@pytest.mark.slow
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


def test_where_one_site_refuses_nothing_of_the_others_stays(tmp_path):
    X, y, tasks = data()
    site, refused = sites_of(X, y, tasks)[0], threading.Event()

    def refuses(message):
        raise SiteError("no")

    def is_late(message):
        refused.wait(20.0)
        return site(message)

    answering = {"a": refuses, "b": is_late, "c": site}
    workers = [
        threading.Thread(
            target=serve_folder, args=(each, tmp_path, name), kwargs={"until": 20.0}
        )
        for name, each in answering.items()
    ]
    for worker in workers:
        worker.start()
    with pytest.raises(ValueError, match="site 'a': no"):
        fit_sites(L21Regressor(), [folder_site(tmp_path, name) for name in answering])
    (tmp_path / "stop").touch()
    refused.set()
    for worker in workers:
        worker.join(20.0)
    assert [p.name for p in tmp_path.iterdir()] == ["stop"]


def test_an_answer_to_a_question_taken_back_does_not_stay(tmp_path, monkeypatch):
    asked = folder_site(tmp_path, "a")
    asked.ask(b"")
    write = federated._write

    def late(path, content):
        asked.withdraw()
        write(path, content)

    monkeypatch.setattr(federated, "_write", late)
    assert serve_folder(lambda message: b"", tmp_path, "a", until=0.05) == 1
    assert not list(tmp_path.iterdir())


def test_few_rows_are_not_told_about():
    X, y, tasks = data()
    with pytest.raises(ValueError, match="'here' has fewer than min_rows=10"):
        Site(X[:7], y[:7], "here")
    unseen = np.where((tasks == tasks[0]) & (X[:, 0] > -1), np.nan, y)
    with pytest.raises(ValueError, match="would tell about single rows"):
        Site(X, unseen, tasks)
    with pytest.raises(ValueError, match="would tell about single rows"):
        fit_sites(MeanRegularizedRegressorCV(cv=8), sites_of(X, y, tasks))


def lone(X, y):
    X, y = X.copy(), y.copy()
    X[:, 2] = np.arange(y.size) == 5
    return X, y


def lone_sparse(X, y):
    return sparse.csr_array(lone(X, y)[0]), y


def all_but_two(X, y):
    X, y = X.copy(), y.copy()
    X[2:, 2] = 7.0
    return X, y


def all_but_two_sparse(X, y):
    return sparse.csr_array(all_but_two(X, y)[0]), y


def few_targets(X, y):
    return X, (np.arange(y.size) < 2).astype(float)


@pytest.mark.parametrize(
    "make", [lone, lone_sparse, all_but_two, all_but_two_sparse, few_targets]
)
def test_values_of_few_rows_are_not_told(make):
    X, y, _ = data()
    X, y = make(X, y)
    with pytest.raises(ValueError, match="min_cell=3 rows of task 'here' differ"):
        Site(X, y, "here")
    assert fit_sites(L21Regressor(), [Site(X, y, "here", min_cell=1)]).converged_


def test_nor_are_weights_of_one_row_targets_as_classes_and_several_divisions():
    X, y, tasks = data()
    with pytest.raises(ValueError, match="more than half its weight"):
        Site(X, y, tasks, np.where(np.arange(y.size) == 3, 1e3, 1.0))
    with pytest.raises(ValueError, match="or its targets are no classes"):
        fit_sites(L21Classifier(), sites_of(X, y, tasks))
    sites = sites_of(X, y, tasks)
    fit_sites(L21RegressorCV(alphas=3, cv=3), sites)
    fit_sites(L21RegressorCV(alphas=3, cv=3), sites)  # the same sums again
    with pytest.raises(ValueError, match="have been told of in 3 folds"):
        fit_sites(L21RegressorCV(alphas=3, cv=2), sites)
    # 8 rows in which the features are not zero, of which few are in each fold
    X = np.where(np.arange(y.size)[:, None] % 20 == 0, X, 0.0)
    with pytest.raises(ValueError, match=r"site 0: .*min_cell"):
        fit_sites(L21RegressorCV(cv=4), [Site(X, y, 0)])


def test_a_model_that_leans_on_one_row_is_not_answered():
    X, y, tasks = data(True)
    site = sites_of(X, y, tasks)[0]
    reading = Reading(LOSSES["logistic"](), classes=np.array([0.0, 1.0]))
    w = 1e3 * np.linalg.lstsq(X[tasks == 0], np.arange(40.0) - 20, rcond=None)[0]
    ask = partial(newton_sums, reading=reading)
    even = Model(np.array([0]), np.zeros((6, 1)), np.zeros(1))
    assert site(pack_question(partial(ask, model=even)))
    row = X[tasks == 0][0]
    steep = Model(np.array([0]), w[:, None], np.array([-row @ w]))
    with pytest.raises(SiteError, match="more than half its weight"):
        site(pack_question(partial(ask, model=steep)))
    bound = Bound(steep, steep, np.ones(1))
    with pytest.raises(SiteError, match="more than half its weight"):
        site(pack_question(partial(ask, model=even, bound=bound)))


def test_errors_of_a_site_are_silent_about_its_rows(tmp_path, caplog):
    X, y, _ = data()
    secret = np.where(np.arange(y.size) < 5, -123.25, np.abs(y))
    site = Site(X, secret, "here")
    with pytest.raises(SiteError, match=r"loss='poisson' .*ValueError") as caught:
        site(pack_question(partial(survey, reading=Reading(LOSSES["poisson"]()))))
    assert "123" not in str(caught.value)
    assert caught.value.__context__ is None
    assert "-123.25" in caplog.text  # in the log of the site
    words = Site(X, np.where(y > 0, "Ann Lee", "well"), "here")
    with pytest.raises(ValueError, match=r"site 0: .*ValueError") as caught:
        fit_sites(L21Regressor(), [words])
    assert "Ann" not in str(caught.value)

    def other(message):
        raise KeyError("Ann Lee")

    worker = threading.Thread(
        target=serve_folder, args=(other, tmp_path, "a"), kwargs={"until": 20.0}
    )
    worker.start()
    with pytest.raises(SiteError, match=r"^site 'a': KeyError$"):
        folder_site(tmp_path, "a", timeout=10.0)(b"")
    (tmp_path / "stop").touch()
    worker.join(10.0)
    assert [p.name for p in tmp_path.iterdir()] == ["stop"]


def test_answers_of_an_earlier_fit_are_not_taken_for_those_of_this_one(tmp_path):
    X, y, tasks = data()
    sites = sites_of(X, y, tasks)
    workers = [
        threading.Thread(
            target=serve_folder, args=(site, tmp_path, str(k)), kwargs={"until": 20.0}
        )
        for k, site in enumerate(sites)
    ]
    for worker in workers:
        worker.start()
    for model in (L21Regressor(0.1), MeanRegularizedRegressorCV(cv=2, alphas=3)):
        far = [folder_site(tmp_path, str(k), timeout=20.0) for k in range(4)]
        here = fit_sites(clone(model), sites)
        np.testing.assert_array_equal(fit_sites(model, far).coef_, here.coef_)
    (tmp_path / "stop").touch()
    for worker in workers:
        worker.join(10.0)
    assert [p.name for p in tmp_path.iterdir()] == ["stop"]


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
