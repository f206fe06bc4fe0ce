"""Kernels of the data layouts and of the accelerated loop.

Ragged data are held task after task: rows ``task_ptr[t]:task_ptr[t + 1]`` belong to
task t. Coefficients are passed transposed, one contiguous row per task. X may be in
single precision: sums are in double precision always.

Inner loops run from 0 over slices: of an index that starts elsewhere the compiler
cannot know that it is not negative, which in Python means counting from the end, and
then it does one number at a time.
"""

from __future__ import annotations

import numpy as np

from linmtl.kernels._jit import kernel, reduction

_TILE = 64  # rows of a matrix that are transposed together


@reduction
def stacked_predict(X, task_ptr, Wt, eta):
    """eta_i = x_i . w_t for dense stacked rows."""
    for t in range(task_ptr.size - 1):
        for i in range(task_ptr[t], task_ptr[t + 1]):
            total = 0.0
            for j in range(X.shape[1]):
                total += X[i, j] * Wt[t, j]
            eta[i] = total


@kernel
def several_predict(X, task_ptr, Wt, piece, eta):
    """eta_mi = x_i . w_tm of several models of each task, for dense stacked rows.

    ``Wt`` is (n_tasks, n_models, n_features); ``piece`` has room for the predictors of
    one task.
    """
    n_models = Wt.shape[1]
    for t in range(task_ptr.size - 1):
        start, stop = task_ptr[t], task_ptr[t + 1]
        block = piece[: n_models * (stop - start)].reshape(n_models, stop - start)
        np.dot(Wt[t], X[start:stop].T, block)
        for m in range(n_models):
            row, out = block[m], eta[m, start:stop]
            for i in range(out.size):
                out[i] = row[i]


@reduction
def mixed_predict(X, codes, Wt, eta):
    """eta_i = x_i . w_t for dense rows of tasks in any order."""
    for i in range(codes.size):
        t = codes[i]
        total = 0.0
        for j in range(X.shape[1]):
            total += X[i, j] * Wt[t, j]
        eta[i] = total


@kernel
def stacked_adjoint(X, task_ptr, r, Gt):
    """Gt_t = X_t' r_t for dense stacked rows, four rows at a time."""
    for t in range(task_ptr.size - 1):
        start, stop = task_ptr[t], task_ptr[t + 1]
        for j in range(X.shape[1]):
            Gt[t, j] = 0.0
        fours = start + 4 * ((stop - start) // 4)
        for i in range(start, fours, 4):
            a, b, c, d = r[i], r[i + 1], r[i + 2], r[i + 3]
            for j in range(X.shape[1]):
                Gt[t, j] += (
                    a * X[i, j] + b * X[i + 1, j] + c * X[i + 2, j] + d * X[i + 3, j]
                )
        for i in range(fours, stop):
            for j in range(X.shape[1]):
                Gt[t, j] += r[i] * X[i, j]


@reduction
def _solve_triangles(L, z):
    """Solve ``L L' z = b`` for a lower triangle; z holds b and becomes the solution."""
    for i in range(z.size):
        row, before = L[i, :i], z[:i]
        total = 0.0
        for j in range(before.size):
            total += row[j] * before[j]
        z[i] = (z[i] - total) / L[i, i]
    for back in range(z.size):
        i = z.size - 1 - back
        row, before = L[i, :i], z[:i]
        last = z[i] / L[i, i]
        z[i] = last
        for j in range(before.size):
            before[j] -= last * row[j]


@reduction
def factor_solve(L, B):
    """Solve ``L_t L_t' z = b_t`` for lower triangles L; the rows of B become the z."""
    for t in range(B.shape[0]):
        _solve_triangles(L[t], B[t])


@reduction
def factor_solve_by_rows(A, row_ptr, L, L_ptr, shift, B):
    """Solve ``(A_t'A_t + shift I) z = b_t``; the rows of B become the z.

    ``L`` holds one lower triangle after another. A task with rows in ``A`` has that of
    ``A_t A_t' + shift I``, others that of the matrix itself, or none where it is
    ``shift I``.
    """
    for t in range(B.shape[0]):
        A_t, z = A[row_ptr[t] : row_ptr[t + 1]], B[t]
        flat = L[L_ptr[t] : L_ptr[t + 1]]
        rows = len(A_t)
        if rows == 0 and flat.size:
            _solve_triangles(flat.reshape(z.size, z.size), z)
            continue
        inside = np.dot(A_t, z)
        _solve_triangles(flat.reshape(rows, rows), inside)
        outside = np.dot(inside, A_t)
        for j in range(z.size):
            z[j] = (z[j] - outside[j]) / shift


@kernel
def classes_predict(X, row_ptr, group_ptr, Wt, eta):
    """Predictors of dense rows by the several models of their task, task after task.

    Of a task ``eta`` has all rows for one model after another.
    """
    start = 0
    for t in range(row_ptr.size - 1):
        X_t, W_t = X[row_ptr[t] : row_ptr[t + 1]], Wt[group_ptr[t] : group_ptr[t + 1]]
        stop = start + len(X_t) * len(W_t)
        np.dot(W_t, X_t.T, eta[start:stop].reshape(len(W_t), len(X_t)))
        start = stop


@kernel
def classes_adjoint(X, row_ptr, group_ptr, r, Gt):
    """The transpose of `classes_predict`."""
    start = 0
    for t in range(row_ptr.size - 1):
        X_t, G_t = X[row_ptr[t] : row_ptr[t + 1]], Gt[group_ptr[t] : group_ptr[t + 1]]
        stop = start + len(X_t) * len(G_t)
        np.dot(r[start:stop].reshape(len(G_t), len(X_t)), X_t, G_t)
        start = stop


@reduction
def task_products(A, B, task_ptr, out):
    """out_t = A_t B_t' for few features, one contiguous row each; a matrix per task."""
    for t in range(task_ptr.size - 1):
        start, stop = task_ptr[t], task_ptr[t + 1]
        for k in range(A.shape[0]):
            x = A[k, start:stop]
            for m in range(B.shape[0]):
                y = B[m, start:stop]
                total = 0.0
                for i in range(x.size):
                    total += x[i] * y[i]
                out[t, k, m] = total


@reduction
def slopes_of_fit(A, task_ptr, root, theta, eta, at, ridge, c, slope, size, spread):
    """Slopes of the loss in a few coefficients c of each task, and what they are of.

    ``slope_tk = sum_i A_ki theta_i - ridge_tk c_tk`` over the rows of task t, the norm
    of ``theta / root`` and the sum of ``|theta| (|eta| + |at|)``.
    """
    for t in range(task_ptr.size - 1):
        start, stop = task_ptr[t], task_ptr[t + 1]
        r, unit = theta[start:stop], root[start:stop]
        first, second = eta[start:stop], at[start:stop]
        square, total = 0.0, 0.0
        for i in range(r.size):
            x = r[i] / (unit[i] if unit[i] > 0.0 else 1.0)
            square += x * x if unit[i] > 0.0 else 0.0
            total += abs(r[i]) * (abs(first[i]) + abs(second[i]))
        size[t], spread[t] = np.sqrt(square), total
        for k in range(A.shape[0]):
            x = A[k, start:stop]
            total = 0.0
            for i in range(r.size):
                total += x[i] * r[i]
            slope[t, k] = total - ridge[t, k] * c[t, k]


@reduction
def newton_moves(
    A, task_ptr, weight, ridge, damping, slope, chosen, H, work, move, reach
):
    """Newton steps of a few coefficients of the chosen tasks, zero in the others.

    Each solves ``(A_t diag(weight) A_t' + diag(ridge_t) + shift I) x = slope_t``, the
    shift as the part ``damping`` of the largest entry, or of 1. ``reach`` is the
    largest entry of ``A_t' x``; ``H`` is (k, k), and ``work`` has room for the rows of
    a task.
    """
    k = A.shape[0]
    for t in range(task_ptr.size - 1):
        start, stop = task_ptr[t], task_ptr[t + 1]
        x = move[t]
        reach[t] = 0.0
        for i in range(k):
            x[i] = 0.0
        if not chosen[t]:
            continue
        w, scaled, largest = weight[start:stop], work[: stop - start], 1.0
        for i in range(k):
            row = A[i, start:stop]
            for m in range(w.size):
                scaled[m] = w[m] * row[m]
            for j in range(i + 1):
                other, total = A[j, start:stop], 0.0
                for m in range(w.size):
                    total += scaled[m] * other[m]
                H[i, j] = total
            H[i, i] += ridge[t, i]
            largest = max(largest, H[i, i])
        for i in range(k):  # the factor, and the solution of its first half
            H[i, i] += damping * largest
            for j in range(i + 1):
                total = H[i, j]
                for m in range(j):
                    total -= H[i, m] * H[j, m]
                H[i, j] = np.sqrt(total) if i == j else total / H[j, j]
            total = slope[t, i]
            for m in range(i):
                total -= H[i, m] * x[m]
            x[i] = total / H[i, i]
        for back in range(k):
            i = k - 1 - back
            total = x[i]
            for m in range(i + 1, k):
                total -= H[m, i] * x[m]
            x[i] = total / H[i, i]
        for m in range(scaled.size):
            scaled[m] = 0.0
        for i in range(k):
            row, a = A[i, start:stop], x[i]
            for m in range(scaled.size):
                scaled[m] += a * row[m]
        largest = 0.0
        for m in range(scaled.size):
            largest = max(largest, abs(scaled[m]))
        reach[t] = largest


@kernel
def task_squares(X, task_ptr, weight, Gt):
    """Gt_tj = sum_i weight_i X_ij^2 over the rows i of task t."""
    for t in range(task_ptr.size - 1):
        row = Gt[t]
        for j in range(row.size):
            row[j] = 0.0
        for i in range(task_ptr[t], task_ptr[t + 1]):
            w, x = weight[i], X[i]
            for j in range(row.size):
                row[j] += w * x[j] * x[j]


@kernel
def task_deviations(X, task_ptr, weight, mean, Gt):
    """Gt_tj = sum_i weight_i (X_ij - mean_tj)^2, of the weighted mean of each task."""
    for t in range(task_ptr.size - 1):
        row, centre, total = Gt[t], mean[t], 0.0
        for j in range(row.size):
            row[j] = centre[j] = 0.0
        for i in range(task_ptr[t], task_ptr[t + 1]):
            w, x = weight[i], X[i]
            total += w
            for j in range(row.size):
                centre[j] += w * x[j]
        for j in range(row.size):
            centre[j] /= total if total > 0.0 else 1.0
        for i in range(task_ptr[t], task_ptr[t + 1]):
            w, x = weight[i], X[i]
            for j in range(row.size):
                row[j] += w * (x[j] - centre[j]) ** 2


@kernel
def take_products(B, H):
    """H_t -= sum_k b_kt b_kt', one matrix per task."""
    for t in range(H.shape[0]):
        for i in range(H.shape[1]):
            row = H[t, i]
            for k in range(B.shape[0]):
                a, b = B[k, t, i], B[k, t]
                for j in range(row.size):
                    row[j] -= a * b[j]


@kernel
def columns_to_rows(W, first, Wt):
    """Wt = some columns of W, from the first on, as rows; in tiles, by cache lines."""
    for start in range(0, W.shape[0], _TILE):
        tile, size = W[start : start + _TILE], min(_TILE, W.shape[0] - start)
        for t in range(Wt.shape[0]):
            row = Wt[t, start : start + size]
            for j in range(size):
                row[j] = tile[j, first + t]


@kernel
def rows_to_columns(Gt, first, G):
    """The reverse: some columns of G, from the first on, are the rows of Gt."""
    for start in range(0, G.shape[0], _TILE):
        tile, size = G[start : start + _TILE], min(_TILE, G.shape[0] - start)
        part = Gt[:, start : start + size]
        for j in range(size):
            for t in range(part.shape[0]):
                tile[j, first + t] = part[t, j]


@kernel
def sparse_predict(data, indices, indptr, first, task_ptr, Wt, eta):
    """eta_i = x_i . w_t for stacked rows in compressed sparse row format.

    The rows of task t, from ``first[t]`` on, may be those of another one too.
    """
    for t in range(first.size):
        for i in range(task_ptr[t], task_ptr[t + 1]):
            row = first[t] + i - task_ptr[t]
            total = 0.0
            for k in range(indptr[row], indptr[row + 1]):
                total += data[k] * Wt[t, indices[k]]
            eta[i] = total


@kernel
def sparse_adjoint(data, indices, indptr, first, task_ptr, r, Gt):
    """Gt_t = X_t' r_t, the transpose of `sparse_predict`."""
    for t in range(first.size):
        for j in range(Gt.shape[1]):
            Gt[t, j] = 0.0
        for i in range(task_ptr[t], task_ptr[t + 1]):
            row = first[t] + i - task_ptr[t]
            for k in range(indptr[row], indptr[row + 1]):
                Gt[t, indices[k]] += data[k] * r[i]


@kernel
def gather_features(X, features, where, A):
    """A[where_k] = X[:, features_k], a part of X at a time to stay in the cache."""
    n = X.shape[0]
    for start in range(0, n, 128):
        stop = min(start + 128, n)
        for k in range(features.size):
            j, out = features[k], A[where[k], start:stop]
            for i in range(out.size):
                out[i] = X[start + i, j]


@kernel
def transpose_tasks(X, task_ptr, centre, shift, tile, A):
    """A holds X_t' of each task in its precision, one after another, about rough means.

    Of a feature far from zero single precision would keep nothing else. ``shift`` (d,)
    and ``tile`` (some rows, d) are written to: rows that are already in the precision
    of A stay in the cache while they are read by features.
    """
    d = shift.size
    for t in range(task_ptr.size - 1):
        begin, end = task_ptr[t], task_ptr[t + 1]
        few = min(begin + 16, end) if centre else begin
        for j in range(d):
            shift[j] = 0.0
        for i in range(begin, few):
            for j in range(d):
                shift[j] += X[i, j] / (few - begin)
        for start in range(begin, end, tile.shape[0]):
            stop = min(start + tile.shape[0], end)
            for i in range(stop - start):
                x, row = X[start + i], tile[i]
                for j in range(d):
                    row[j] = x[j] - shift[j]
            for j in range(d):
                first = d * begin + j * (end - begin) - begin
                out = A[first + start : first + stop]
                for i in range(out.size):
                    out[i] = tile[i, j]


@kernel
def feature_predict(A, task_ptr, W, eta):
    """eta_i = sum_j A_ji W_jt for the rows i of task t, four features at a time."""
    k = W.shape[0]
    fours = 4 * (k // 4)
    for t in range(task_ptr.size - 1):
        start, stop = task_ptr[t], task_ptr[t + 1]
        out = eta[start:stop]
        for i in range(out.size):
            out[i] = 0.0
        for j in range(0, fours, 4):
            a, b, c, d = W[j, t], W[j + 1, t], W[j + 2, t], W[j + 3, t]
            if a != 0.0 or b != 0.0 or c != 0.0 or d != 0.0:
                x, y = A[j, start:stop], A[j + 1, start:stop]
                z, u = A[j + 2, start:stop], A[j + 3, start:stop]
                for i in range(out.size):
                    out[i] += a * x[i] + b * y[i] + c * z[i] + d * u[i]
        for j in range(fours, k):
            a, x = W[j, t], A[j, start:stop]
            for i in range(out.size):
                out[i] += a * x[i]


@reduction
def feature_adjoint(A, task_ptr, r, G):
    """G_jt = sum_i A_ji r_i over the rows i of task t."""
    for t in range(task_ptr.size - 1):
        start, stop = task_ptr[t], task_ptr[t + 1]
        r_t = r[start:stop]
        for j in range(A.shape[0]):
            x = A[j, start:stop]
            total = 0.0
            for i in range(x.size):
                total += x[i] * r_t[i]
            G[j, t] = total


@reduction
def take_explained(A, U, root, share, task_ptr, out):
    """out = A - A root U' share U / root in each task, one row per feature."""
    for t in range(task_ptr.size - 1):
        start, stop = task_ptr[t], task_ptr[t + 1]
        r = root[start:stop]
        for j in range(A.shape[0]):
            a, rest = A[j, start:stop], out[j, start:stop]
            for i in range(r.size):
                rest[i] = a[i]
            for k in range(U.shape[0]):
                u = U[k, start:stop]
                total = 0.0
                for i in range(r.size):
                    total += u[i] * r[i] * a[i]
                total *= share[t, k]
                for i in range(r.size):
                    rest[i] -= total * u[i] / r[i] if r[i] > 0.0 else 0.0


@reduction
def weight_features(A, first, stride, features, w, r, centre, out):
    """out_k = root (A_k - mean of A_k) over the rows of a task, for the features given.

    A is flat: feature j of the task begins at ``first + j * stride``. ``w`` are the
    weights of the rows, by which the mean is taken, and ``r`` the roots of these, in
    the precision of A. ``out`` may be in single precision.
    """
    total = 0.0
    for i in range(w.size):
        total += w[i]
    for k in range(features.size):
        start = first + features[k] * stride
        x, row = A[start : start + w.size], out[k]
        mean = 0.0
        if centre and total > 0.0:
            for i in range(w.size):
                mean += w[i] * x[i]
            mean /= total
        m = A.dtype.type(mean)
        for i in range(w.size):
            row[i] = r[i] * (x[i] - m)


@kernel
def mirror(H):
    """Copy the lower half of a square matrix to the upper, in blocks of 32."""
    k = H.shape[0]
    for first in range(0, k, 32):
        for start in range(0, first, 32):
            source = H[first : first + 32, start : start + 32]
            target = H[start : start + 32, first : first + 32]
            for j in range(target.shape[0]):
                for i in range(target.shape[1]):
                    target[j, i] = source[i, j]
        block = H[first : first + 32, first : first + 32]
        for i in range(block.shape[0]):
            for j in range(i):
                block[j, i] = block[i, j]


@kernel
def small_hessians(
    A, first, stride, features, task_ptr, weight, root, centre, piece, H
):
    """H_t = what `weight_features` makes of each task, times its transpose.

    ``piece`` is a workspace with room for the features of one task.
    """
    k = features.size
    for t in range(H.shape[0]):
        w, r = (
            weight[task_ptr[t] : task_ptr[t + 1]],
            root[task_ptr[t] : task_ptr[t + 1]],
        )
        block = piece[: k * w.size].reshape(k, w.size)
        weight_features(A, first[t], stride[t], features, w, r, centre, block)
        np.dot(block, block.T, H[t])
        mirror(H[t])  # products of BLAS may round halves differently


@kernel
def gram_adjoint(H, C, Wt, Gt):
    """Gt_t = c_t - H_t w_t, one Gram matrix per task (C and Gt one row per task)."""
    for t in range(H.shape[0]):
        for j in range(Gt.shape[1]):
            Gt[t, j] = C[t, j]
        for i in range(Gt.shape[1]):
            w = Wt[t, i]
            if w != 0.0:  # H is symmetric: rows for columns
                for j in range(Gt.shape[1]):
                    Gt[t, j] -= w * H[t, i, j]


@kernel
def gradient_step(V, step, G, out):
    """out = V + step_j G_j, with one step per row and G the negative gradient."""
    for j in range(V.shape[0]):
        for t in range(V.shape[1]):
            out[j, t] = V[j, t] + step[j] * G[j, t]


@reduction
def restart_test(V, W_new, W, step):
    """<V - W_new, W_new - W> in the metric of the step.

    Positive when the momentum points uphill: the sign to forget it.
    """
    total = 0.0
    for j in range(V.shape[0]):
        row = 0.0
        for t in range(V.shape[1]):
            row += (V[j, t] - W_new[j, t]) * (W_new[j, t] - W[j, t])
        total += row / step[j]
    return total


@reduction
def secant(V_new, V, G_new, metric, G):
    """Return <move, change> and <change, change / metric>, then G = G_new.

    The move is V_new - V, the change that of the gradient, G the negative one.
    """
    slope = square = 0.0
    for j in range(V.shape[0]):
        row = 0.0
        for t in range(V.shape[1]):
            change = G[j, t] - G_new[j, t]
            slope += (V_new[j, t] - V[j, t]) * change
            row += change * change
            G[j, t] = G_new[j, t]
        square += row / metric[j]
    return slope, square


@kernel
def extrapolate(W_new, W, momentum, V):
    """V = W_new + momentum (W_new - W), then W = W_new; V may be W_new itself."""
    for j in range(W.shape[0]):
        for t in range(W.shape[1]):
            new = W_new[j, t]
            V[j, t] = new + momentum * (new - W[j, t])
            W[j, t] = new
