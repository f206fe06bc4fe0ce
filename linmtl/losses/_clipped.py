"""Losses whose derivative is a residual, clipped: Huber's, quantiles, squared hinge."""

from __future__ import annotations

from linmtl.kernels._jit import inlined, kernel


@inlined
def _clip(ramp, y, low, high, mirrored):
    if mirrored and y < 0.0:
        low, high = -high, -low
    return min(max(ramp, low), high)


@kernel
def _intercept(r, weight, y, b, steepness, low, high, mirrored):
    """The best intercept of one task, by Newton's method inside a bracket.

    The slope is linear between its kinks and falls in b. Where no residual is near
    there is no curvature, and the bracket is halved.
    """
    least, most = r[0], r[0]
    for i in range(r.size):
        if weight[i] > 0.0:
            least, most = min(least, r[i]), max(most, r[i])
    if not mirrored:  # a start from far away has nothing but the bracket to go by
        b = min(max(b, least), most)
    for step in range(200):
        slope, size, curvature = 0.0, 0.0, 0.0
        for i in range(r.size):
            ramp = steepness * (r[i] - b)
            u = _clip(ramp, y[i], low, high, mirrored)
            slope += weight[i] * u
            size += weight[i] * abs(u)
            curvature += weight[i] * steepness if u == ramp else 0.0
        if not abs(slope) > 1e-15 * size:  # also where it is no number
            break
        if slope > 0.0:
            least = b
        else:
            most = b
        new = b + slope / curvature if curvature > 0.0 else most + 1.0
        if not least < new < most or step % 3 == 2:
            new = 0.5 * (least + most)
        if not least < new < most:  # nothing lies between them
            break
        b = new
    return b


@kernel
def clipped_residual(
    y,
    eta,
    weight,
    task_ptr,
    total,
    fit_intercept,
    b,
    theta,
    task_loss,
    shift,
    steepness,
    low,
    high,
    mirrored,
):
    """With ``r = y - eta + shift`` minus the derivative is ``u = steepness r``, clipped
    to [low, high], with ``mirrored`` to [-high, -low] where y < 0; the loss is
    ``u (r - u / (2 steepness))``.
    """
    for t in range(task_ptr.size - 1):
        rows = slice(task_ptr[t], task_ptr[t + 1])
        y_t, weight_t, theta_t = y[rows], weight[rows], theta[rows]
        for i in range(y_t.size):
            theta_t[i] = y_t[i] - eta[rows.start + i] + shift
        b_t = 0.0
        if fit_intercept and total[t] > 0.0:
            b_t = _intercept(
                theta_t, weight_t, y_t, b[t], steepness, low, high, mirrored
            )
        value = 0.0
        for i in range(y_t.size):
            r = theta_t[i] - b_t
            u = _clip(steepness * r, y_t[i], low, high, mirrored)
            theta_t[i] = weight_t[i] * u
            value += weight_t[i] * u * (r - 0.5 * u / steepness)
        b[t] = b_t
        task_loss[t] = value
