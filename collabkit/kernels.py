"""Training loops for the dot-product family, compiled with Numba; arrays in, arrays changed in place.

Users and movies share one table W (rows, C), float32: movie m is row n_users + m. Columns 0..K-1 hold the
factors, column K the bias, the rest pads the row to whole vector registers and stays 0. M and V are Adam's
moments, of the same shape.

With z = p_u . q_m + b_u + b_m and r = low + width * sigmoid(z), the gradient of (r - y)^2 with respect to z
is g = 2 (r - y) width s (1 - s), where s is the sigmoid; then p_u gets g q_m, q_m gets g p_u, and each bias
gets g. No graph is built, and none is needed.

Rows are indexed by unsigned numbers: Numba then need not ask whether an index counts from the end, which
would keep the loops over a row out of the vector registers.
"""

from __future__ import annotations

import numba
import numpy as np

from collabkit.schedule import BETA2, EPS

__all__ = ["bring_in_order", "dense_steps", "predictions", "rowwise_steps", "settle"]

# every liberty with sums and products, but NaN and infinity stay what they are: a diverging loss must show
_FAST = {"contract", "reassoc", "nsz", "arcp", "afn"}
_jit = numba.njit(fastmath=_FAST, error_model="numpy", cache=True, nogil=True)
_inlined = numba.njit(fastmath=_FAST, error_model="numpy", inline="always")  # a call costs as much as a row
_zero, _one, _two = np.float32(0), np.float32(1), np.float32(2)
_b2, _rest2, _eps = np.float32(BETA2), np.float32(1 - BETA2), np.float32(EPS)
_index = np.uint64


@_inlined
def _errors_into(G, slot, W, x, y, start, stop, n_users, K, has_bias, bounded, low, width):
    """Add the gradients of a batch to G, each row's into its slot; returns the mean squared error."""
    scale = _two / np.float32(stop - start)
    total = _zero
    for row in range(start, stop):
        u, m = _index(x[row, 0]), _index(x[row, 1] + n_users)
        z = W[u, K] + W[m, K]
        for f in range(K):
            z += W[u, f] * W[m, f]
        if bounded:
            s = _one / (_one + np.exp(-z))
            error = low + width * s - y[row]
            g = error * s * (_one - s) * width * scale
        else:
            error = z - y[row]
            g = error * scale
        total += error * error
        to_u, to_m = slot[u], slot[m]
        for f in range(K):
            G[to_u, f] += g * W[m, f]
        for f in range(K):
            G[to_m, f] += g * W[u, f]
        if has_bias:
            G[to_u, K] += g
            G[to_m, K] += g
    return total / np.float32(stop - start)


@_inlined
def _adam_row(W, M, V, G, r, at, C, keep, mom, rate, correct):
    """Adam with decoupled decay for row r, whose gradient stands in G[at] and is used up."""
    rest = _one - mom
    for c in range(C):
        g = G[at, c]
        first, second = mom * M[r, c] + rest * g, _b2 * V[r, c] + _rest2 * g * g
        M[r, c], V[r, c], G[at, c] = first, second, _zero
        W[r, c] = W[r, c] * keep - rate * first / (np.sqrt(second * correct) + _eps)


@_jit
def _adam_all(W, M, V, G, keep, mom, rate, correct):
    """The same for whole tables, as flat arrays."""
    rest = _one - mom
    for i in range(W.size):
        g = G[i]
        first, second = mom * M[i] + rest * g, _b2 * V[i] + _rest2 * g * g
        M[i], V[i], G[i] = first, second, _zero
        W[i] = W[i] * keep - rate * first / (np.sqrt(second * correct) + _eps)


@_inlined
def _idle_row(W, M, V, r, C, keep, fade1, fade2, move, correct):
    """What the steps since a row was last touched have done to it; see `rowwise_steps`."""
    for c in range(C):
        first, second = M[r, c], V[r, c]
        W[r, c] = W[r, c] * keep - move * first / (np.sqrt(second * correct) + _eps)
        M[r, c], V[r, c] = first * fade1, second * fade2


@_jit
def bring_in_order(x, y, order, xs, ys):
    """The rows of x and y in this order, into xs and ys."""
    for i in range(_index(len(order))):
        row = _index(order[i])
        for c in range(_index(x.shape[1])):
            xs[i, c] = x[row, c]
        ys[i] = y[row]


@_jit
def dense_steps(
    W, M, V, G, slot, x, y, edges, done, lrs, moms, left, left_bias,
    n_users, K, has_bias, bounded, low, width, losses,
):  # fmt: skip
    """A step for each batch, the rows edges[b] to edges[b + 1] of x and y, after `done` steps.

    The losses of the steps go into `losses`. Adam changes every row at every step, touched or not, as torch does
    with dense gradients. left[k] is the logarithm of what k steps of weight decay leave of a weight. G is as
    large as W, and slot[r] is r.
    """
    for b in range(len(edges) - 1):
        k = done + b
        losses[b] = _errors_into(G, slot, W, x, y, edges[b], edges[b + 1], n_users, K, has_bias, bounded, low, width)
        keep = _left(left, k, k + 1)
        other = _left(left_bias, k, k + 1) / keep
        if other != _one:
            for r in range(W.shape[0]):
                W[r, K] *= other
        mom, rate, correct, _, _ = _pace(k, lrs, moms)
        _adam_all(W.reshape(-1), M.reshape(-1), V.reshape(-1), G.reshape(-1), keep, mom, rate, correct)


@_jit
def rowwise_steps(
    W, M, V, G, slot, seen, faded, x, y, edges, done, lrs, moms, left, left_bias,
    n_users, K, has_bias, bounded, low, width, losses,
):  # fmt: skip
    """As `dense_steps`, but a step costs only the rows that its batch touches.

    A row that no batch touches still moves in Adam: for n idle steps its moments fade by mom^n and beta2^n,
    and it drifts by the sum of a geometric series. When the row is touched next, all n steps are made up at
    once, before its gradient is taken. seen[r] counts the steps that row r has had, faded[n] holds beta2^n and
    1 / sqrt(beta2^n).
    """
    longest = 0
    for b in range(len(edges) - 1):
        longest = max(longest, edges[b + 1] - edges[b])
    touched = np.empty(2 * longest, np.uint64)
    C = _index(W.shape[1])
    for b in range(len(edges) - 1):
        k, n = done + b, 0
        mom, rate, correct, log_mom, series = _pace(k, lrs, moms)
        for row in range(edges[b], edges[b + 1]):
            for side in range(2):
                r = _index(x[row, side] + side * n_users)
                since = seen[r]
                if since != k + 1:
                    if since < k:
                        _make_up(W, M, V, r, since, k, C, K, faded, log_mom, series, correct, left, left_bias)
                    seen[r], slot[r], touched[n] = k + 1, _index(n), r
                    n += 1
        losses[b] = _errors_into(G, slot, W, x, y, edges[b], edges[b + 1], n_users, K, has_bias, bounded, low, width)
        keep = _left(left, k, k + 1)
        more = _left(left_bias, k, k + 1) - keep
        for at in range(_index(n)):
            r = touched[at]
            bias = W[r, K]
            _adam_row(W, M, V, G, r, at, C, keep, mom, rate, correct)
            W[r, K] += bias * more  # decayed with the factors, put right afterwards


@_inlined
def _make_up(W, M, V, r, since, k, C, K, faded, log_mom, series, correct, left, left_bias):
    """The idle steps since..k-1 of row r, with the rate and momentum of now, which change slowly.

    A step's drift is mom / sqrt(beta2) times the one before: moments fade, and so does the root of their
    squares. `series` is the sum of that whole geometric series; what lies beyond the gap is taken off it.
    """
    n = k - since
    at = min(n, len(faded) - 1)  # beyond the table, whatever mom^n is multiplied with is 0 in the end
    fade1, fade2 = np.exp(log_mom * np.float32(n)), faded[at, 0]
    drift = series * (_one - fade1 * faded[at, 1])
    keep, bias = _left(left, since, k), W[r, K]
    _idle_row(W, M, V, r, C, keep, fade1, fade2, drift, correct)
    W[r, K] += bias * (_left(left_bias, since, k) - keep)


@_inlined
def _left(left, since, k):
    """The share of a weight that decay leaves in the steps since..k-1, from logarithms: left itself underflows."""
    return np.exp(np.float32(left[k] - left[since]))


@_inlined
def _pace(k, lrs, moms):
    """Of step k: momentum, rate with Adam's correction for the start, the other correction, and a gap's series."""
    mom, rate = np.float32(moms[k]), np.float32(lrs[k] / (1 - moms[k] ** (k + 1)))
    correct = np.float32(1 / (1 - BETA2 ** (k + 1)))
    ratio = mom / np.sqrt(_b2)
    return mom, rate, correct, np.log(mom), rate * ratio / (_one - ratio)


@_jit
def settle(W, M, V, seen, faded, done, lrs, moms, left, left_bias, K):
    """Make up the idle steps of every row, so that W is what it would be had all rows had all `done` steps."""
    if done == 0:
        return
    _, _, correct, log_mom, series = _pace(done - 1, lrs, moms)
    C = _index(W.shape[1])
    for r in range(_index(W.shape[0])):
        if seen[r] < done:
            _make_up(W, M, V, r, seen[r], done, C, K, faded, log_mom, series, correct, left, left_bias)
            seen[r] = done


@_jit
def predictions(W, x, n_users, K, bounded, low, width, out):
    """The rating of each pair x (n, 2) into out (n,)."""
    for row in range(len(out)):
        u, m = _index(x[row, 0]), _index(x[row, 1] + n_users)
        z = W[u, K] + W[m, K]
        for f in range(K):
            z += W[u, f] * W[m, f]
        out[row] = low + width / (_one + np.exp(-z)) if bounded else z
