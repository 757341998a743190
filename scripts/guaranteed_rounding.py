# SPDX-License-Identifier: Apache-2.0
"""Integer weights of one layer that no input can drive out of an accumulator, chosen by sample operands only.

A channel's integer sum is bias + sum_i q_i x_i, each x_i within low..high. It stays within N bits, in whatever order it
is added up, if the sums of the positive and of the negative q_i stay within the channel's budget (Colbert et al. 2023,
"A2Q: Accumulator-Aware Quantization with Guaranteed Overflow Avoidance"). Within it the weights are rounded one after
another, each taking up the errors of those before it: GPTQ (Frantar et al. 2023, "GPTQ: Accurate Post-Training
Quantization for Generative Pre-trained Transformers") with the soft threshold and the hard limit of AXE (Colbert et al.
2024, "Accumulator-Aware Post-Training Quantization"). Then single units move to where the error falls most, and the
scale and the bias of each channel follow.

Sums are real here: an operand's integer times `omega`, the real weights in units of the operand's scale. `scale` is the
real value of an integer sum's unit. Arrays of channels have the channels first.
"""

from dataclasses import dataclass, replace

import numpy as np

RIDGE = 0.1  # part of the operands' mean square that draws the weights to those of the float network
SCALE_FACTORS = (0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.35, 1.6)  # of the scale at which the budget just suffices
QUICK_FACTORS = (0.5, 0.7, 0.9, 1.15)
BISECTIONS = 12
FIRST_MOVES = 6  # moves that are tried together with every other one
PASSES = 4  # of moves, scale and bias
LARGEST_STEPS = 400
LEAST_SCALE = 1e-12
LEAST_GAIN = 1e-9  # of the outputs' mean square: what a move must save


def bits_for_range(low, high):
    """Width of the narrowest two's complement number that holds low..high."""
    return 1 + max(int(high).bit_length(), max(int(-low) - 1, 0).bit_length())


def sums_by_sign(integers):
    """Of each channel: the sum of its positive weights, and of the magnitudes of its negative ones."""
    rows = integers.reshape(len(integers), -1).astype(np.int64)
    return rows.clip(min=0).sum(1), -rows.clip(max=0).sum(1)


def worst_case_bits(integers, bias, how):
    """What `widthwise inspect` calls the l1 norm's bits: for operands of Quantization `how`, whatever the order."""
    budget, (positive, negative) = Budget.of(how, 32), sums_by_sign(integers)
    use = budget.use(positive, negative)
    bias = np.zeros_like(positive) if bias is None else bias.astype(np.int64)
    least = min((-use[:, 1]).min(), (bias - use[:, 3]).min())
    return bits_for_range(least, max(use[:, 0].max(), (bias + use[:, 2]).max()))


@dataclass
class Budget:
    """What each channel's sums by sign, P and M, may use of an accumulator: rates @ (P, M) <= capacity(bias).

    Two rates are of the plain products' largest and least sum, two of the sums that begin with bias - zero * (P - M).
    """

    rates: np.ndarray
    bits: int

    @staticmethod
    def of(how, bits):
        low, high, zero = min(how.low, 0), max(how.high, 0), how.zero
        return Budget(np.array([[high, -low], [-low, high], [high - zero, zero - low], [zero - low, high - zero]],
                               np.int64), bits)

    def use(self, positive, negative):
        return np.stack([positive, negative], 1) @ self.rates.T

    def capacity(self, bias):
        most, least = 2 ** (self.bits - 1) - 1, 2 ** (self.bits - 1)
        bias = bias.astype(np.int64)
        return np.stack([np.full_like(bias, most), np.full_like(bias, least), most - bias, least + bias], 1)

    def bias_range(self, positive, negative):
        """The least and the greatest bias that these weights leave room for."""
        use = self.use(positive, negative)
        return use[:, 3] - 2 ** (self.bits - 1), 2 ** (self.bits - 1) - 1 - use[:, 2]

    def room(self, slack, sign):
        """How many more units of a sign, 0 positive and 1 negative, fit each channel's slack."""
        rates = self.rates[:, sign]
        return np.where(rates > 0, slack // np.maximum(rates, 1), np.iinfo(np.int64).max).min(1)

    @property
    def holds_a_weight(self):
        return bool((self.room(self.capacity(np.zeros(1)), 0) > 0).all())


@dataclass
class Channels:
    """Second moments of the sample operands by group, and what each channel shall make of them.

    The error of a channel with weights w and bias B is square + w'Hw - 2 w'cross + 2 B w'mean + B^2 - 2 B target.
    """

    moments: np.ndarray  # H [groups, taps, taps]
    mean: np.ndarray  # [groups, taps]
    group: np.ndarray
    cross: np.ndarray  # [channels, taps]
    target: np.ndarray  # mean of the wanted sums
    square: np.ndarray
    omega: np.ndarray  # the float network's weights, to which `ridge` draws
    ridge: np.ndarray

    @staticmethod
    def of(operands, wanted, omega):
        """operands [groups, samples, taps], wanted sums [samples, channels]."""
        groups, samples, taps = operands.shape
        moments = np.stack([x.T @ x for x in operands]).astype(np.float64) / samples
        ridge = RIDGE * np.trace(moments, axis1=1, axis2=2) / taps + 1e-12
        moments += ridge[:, None, None] * np.eye(taps)
        group = np.repeat(np.arange(groups), len(omega) // groups)
        return Channels(moments, operands.mean(1, dtype=np.float64), group, None, None, None, omega,
                        ridge[group]).aimed(operands, wanted)

    def aimed(self, operands, wanted):
        """The same for other wanted sums."""
        samples = len(wanted)
        by_group = wanted.reshape(samples, len(operands), -1)
        cross = np.concatenate([by_group[:, i].T @ x for i, x in enumerate(operands)]).astype(np.float64) / samples
        return replace(self, cross=cross + self.ridge[:, None] * self.omega, target=wanted.mean(0, dtype=np.float64),
                       square=(wanted.astype(np.float64) ** 2).mean(0) + self.ridge * (self.omega ** 2).sum(1))

    def chosen(self, channels):
        return replace(self, **{name: getattr(self, name)[channels]
                                for name in ("group", "cross", "target", "square", "omega", "ridge")})

    def through(self, values):
        """H times the values of each channel."""
        if len(self.moments) == 1:
            return values @ self.moments[0]
        return np.einsum("cij,cj->ci", self.moments[self.group], values)

    def error(self, integers, scale, bias):
        real, offset = integers * scale[:, None], bias * scale
        return (self.square + (real * self.through(real)).sum(1) - 2 * (real * self.cross).sum(1)
                + 2 * offset * (real * self.mean[self.group]).sum(1) + offset ** 2 - 2 * offset * self.target)


def real_optimum(channels):
    """The real weights and biases of least error."""
    mean = channels.mean
    centred = channels.moments - mean[:, :, None] * mean[:, None, :]
    inverse = np.linalg.inv(centred)
    aim = channels.cross - channels.target[:, None] * mean[channels.group]
    weights = np.stack([inverse[group] @ row for group, row in zip(channels.group, aim)])
    return weights, channels.target - (weights * mean[channels.group]).sum(1)


def soft_threshold(values, budget, capacity):
    """Magnitudes less one threshold per channel, the least with which they fit the budget."""
    low, high = np.zeros(len(values)), np.abs(values).max(1)

    def shrunk(threshold):
        return np.sign(values) * np.maximum(np.abs(values) - threshold[:, None], 0)

    def fits(reduced):
        return (budget.use(np.maximum(reduced, 0).sum(1), np.maximum(-reduced, 0).sum(1)) <= capacity).all(1)

    high[fits(values)] = 0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        enough = fits(shrunk(middle))
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return shrunk(high)


def greedy(weights, channels, scale, bias, budget, limit):
    """Integers for real weights: GPTQ in the order of falling operand power, AXE's threshold and limit."""
    capacity = budget.capacity(bias)
    rest = soft_threshold(weights / scale[:, None], budget, capacity)
    order = np.argsort(-np.diagonal(channels.moments, axis1=1, axis2=2), 1, kind="stable")
    permuted = np.stack([h[np.ix_(o, o)] for h, o in zip(channels.moments, order)])
    factors = np.linalg.cholesky(np.linalg.inv(permuted)).transpose(0, 2, 1)
    order = order[channels.group]
    rest = np.take_along_axis(rest, order, 1)
    result, slack = np.zeros(rest.shape, np.int64), capacity
    for tap in range(rest.shape[1]):
        above = np.minimum(budget.room(slack, 0), limit)
        below = np.minimum(budget.room(slack, 1), limit)
        made = np.maximum(np.minimum(np.rint(rest[:, tap]).astype(np.int64), above), -below)
        slack = slack - budget.use(np.maximum(made, 0), np.maximum(-made, 0))
        result[:, tap] = made
        row = factors[:, tap, tap:]
        error = (rest[:, tap] - made) / row[channels.group, 0]
        rest[:, tap:] -= error[:, None] * row[channels.group]
    integers = np.empty_like(result)
    np.put_along_axis(integers, order, result, 1)
    return integers


def unit_moves(integers, limit):
    """(what each unit up or down does to P, likewise to M, which moves stay within +-limit), [channels, 2 taps]."""
    up, down = integers >= 0, integers <= 0
    positive = np.concatenate([up.astype(np.int64), down.astype(np.int64) - 1], 1)
    negative = np.concatenate([up.astype(np.int64) - 1, down.astype(np.int64)], 1)
    return positive, negative, np.concatenate([integers < limit, integers > -limit], 1)


def best_moves(integers, slope, channels, scale, slack, budget, limit):
    """Of each channel the best one or two unit moves: (gain, first, second); second -1 for none."""
    count, taps = integers.shape
    positive, negative, possible = unit_moves(integers, limit)
    diagonal = np.diagonal(channels.moments, axis1=1, axis2=2)[channels.group] * (scale ** 2)[:, None]
    slope = 2 * scale[:, None] * slope
    change = np.where(possible, np.concatenate([slope + diagonal, diagonal - slope], 1), np.inf)
    kind = np.where(positive != 0, 1 + positive, 1 + negative) // 2 + np.where(positive != 0, 0, 2)  # -P +P -M +M
    use = np.array([-budget.rates[:, 0], budget.rates[:, 0], -budget.rates[:, 1], budget.rates[:, 1]])
    fits = (slack[:, None] >= use).all(2)
    pairs_fit = (slack[:, None, None] >= use[:, None] + use[None, :]).all(3)
    rows = np.arange(count)
    alone = np.where(np.take_along_axis(fits, kind, 1), change, np.inf)
    first, second = alone.argmin(1), np.full(count, -1)
    gain = alone[rows, first]
    tried = np.argpartition(change, min(FIRST_MOVES, 2 * taps - 1), 1)[:, :FIRST_MOVES]
    for column in range(tried.shape[1]):
        move = tried[:, column]
        tap, sign = move % taps, np.where(move < taps, 1, -1)
        coupling = channels.moments[channels.group, tap] * (2 * sign * scale ** 2)[:, None]
        both = change[rows, move][:, None] + change + np.concatenate([coupling, -coupling], 1)
        allowed = np.take_along_axis(pairs_fit[rows, kind[rows, move]], kind, 1)
        allowed[rows, tap] = allowed[rows, tap + taps] = False
        both = np.where(allowed, both, np.inf)
        other = both.argmin(1)
        better = both[rows, other] < gain
        gain = np.where(better, both[rows, other], gain)
        first, second = np.where(better, move, first), np.where(better, other, second)
    return gain, first, second


def descend(integers, channels, scale, bias, budget, limit, steps=LARGEST_STEPS):
    """Moves units of the integers, in place, as long as an allowed move makes a channel's error smaller."""
    taps = integers.shape[1]
    active = np.arange(len(integers))
    slack = budget.capacity(bias) - budget.use(*sums_by_sign(integers))
    slope = (channels.through(integers * scale[:, None]) - channels.cross
             + (bias * scale)[:, None] * channels.mean[channels.group])
    for _ in range(steps):
        part = channels.chosen(active)
        gain, first, second = best_moves(integers[active], slope[active], part, scale[active], slack[active], budget,
                                         limit)
        better = gain < -LEAST_GAIN * part.square
        active, first, second = active[better], first[better], second[better]
        if not len(active):
            return
        before = budget.use(*sums_by_sign(integers[active]))
        for move, rows in ((first, active), (second[second >= 0], active[second >= 0])):
            tap, sign = move % taps, np.where(move < taps, 1, -1)
            integers[rows, tap] += sign
            slope[rows] += channels.moments[channels.group[rows], tap] * (sign * scale[rows])[:, None]
        slack[active] -= budget.use(*sums_by_sign(integers[active])) - before


def best_scale(integers, channels, scale, bias, shared):
    """The scales of least error for given integers, bias among them; those of empty channels stay."""
    values = np.asarray(integers, np.float64)
    along = (values * channels.cross).sum(1) + bias * channels.target
    power = ((values * channels.through(values)).sum(1) + 2 * bias * (values * channels.mean[channels.group]).sum(1)
             + bias ** 2)
    if shared:
        along, power = np.full_like(along, along.sum()), np.full_like(power, power.sum())
    return np.where((along > 0) & (power > 0), along / np.maximum(power, 1e-30), scale)


def best_bias(integers, channels, scale, budget):
    """The integer bias of least error that the weights leave room for."""
    least, most = budget.bias_range(*sums_by_sign(integers))
    wanted = channels.target / scale - (integers * channels.mean[channels.group]).sum(1)
    return np.rint(wanted.clip(-2.0 ** 30, 2.0 ** 30)).astype(np.int64).clip(least, most)


def first_scales(weights, bias, budget, limit):
    """The scale at which each channel's weights and bias just fill the accumulator, and none goes beyond +-limit."""
    use = budget.use(weights.clip(min=0).sum(1), -weights.clip(max=0).sum(1)) + np.abs(bias)[:, None]
    fill = (use / budget.capacity(np.zeros(len(weights)))).max(1)
    return np.maximum(np.maximum(fill, np.abs(weights).max(1) / limit), LEAST_SCALE)


@dataclass
class Rounding:
    """Integer weights [channels, taps] and biases, and the real values of their sums' units."""

    integers: np.ndarray
    bias: np.ndarray
    scale: np.ndarray
    error: np.ndarray = None

    def channels(self, chosen):
        return Rounding(self.integers[chosen], self.bias[chosen], self.scale[chosen], self.error[chosen])

    def better_of(self, other, shared):
        """The channels with the smaller error of both; all of one where they share a scale."""
        takes = other.error < self.error
        if shared:
            takes = np.full_like(takes, other.error.sum() < self.error.sum())
        pick = [np.where(takes.reshape((-1,) + (1,) * (a.ndim - 1)), b, a)
                for a, b in ((self.integers, other.integers), (self.bias, other.bias), (self.scale, other.scale))]
        return Rounding(*pick, np.where(takes, other.error, self.error))

    def sums(self, operands):
        """Real sums [samples, channels] for operands [groups, samples, taps]."""
        real = (self.integers * self.scale[:, None]).astype(np.float32)
        by_group = real.reshape(len(operands), -1, real.shape[1])
        sums = np.concatenate([x @ w.T for x, w in zip(operands, by_group)], 1)
        return sums + (self.bias * self.scale).astype(np.float32)


def polished(found, channels, budget, limit, shared, passes, steps):
    """Unit moves, scale and bias in turn, as long as they help."""
    for _ in range(passes):
        integers = found.integers.copy()
        descend(integers, channels, found.scale, found.bias, budget, limit, steps)
        scale = best_scale(integers, channels, found.scale, found.bias, shared)
        bias = best_bias(integers, channels, scale, budget)
        found = found.better_of(Rounding(integers, bias, scale, channels.error(integers, scale, bias)), shared)
    return found


def rounded(channels, weights, bias, scale, budget, limit):
    """Greedy integers for given scales."""
    half = 2 ** (budget.bits - 2)
    start = np.rint((bias / scale).clip(-half, half)).astype(np.int64)
    integers = greedy(weights, channels, scale, start, budget, limit)
    return Rounding(integers, start, scale, channels.error(integers, scale, start))


def best_start(channels, factors, budget, limit, shared, steps):
    """Of each channel the best of several scales; all that do not depend on each other are tried at a time."""
    weights, bias = real_optimum(channels)
    start, count, found = first_scales(weights, bias, budget, limit), len(bias), None
    if shared:
        start = np.full_like(start, start.max())
    for together in ([[factor] for factor in factors] if shared else [factors]):
        rows = np.tile(np.arange(count), len(together))
        part, scale = channels.chosen(rows), np.outer(together, start).reshape(-1)
        made = rounded(part, weights[rows], bias[rows], scale, budget, limit)
        made = polished(made, part, budget, limit, shared, 1, steps)
        for first in range(0, len(rows), count):
            one = made.channels(slice(first, first + count))
            found = one if found is None else found.better_of(one, shared)
    return found


@dataclass
class Wanted:
    """Sums [samples, channels] of the float network, and between which bounds the integers' sums are as good."""

    sums: np.ndarray
    least: np.ndarray
    most: np.ndarray

    @staticmethod
    def of(sums, low, high):
        """low, high: limits of the Relu or Clip behind, beyond which all sums are alike."""
        value = np.clip(sums, low, high)
        least, most = np.where(sums <= low, -np.inf, value), np.where(sums >= high, np.inf, value)
        return Wanted(sums, least.astype(np.float32), most.astype(np.float32))

    @property
    def is_free(self):
        return bool((self.least < self.most).any())

    def nearest(self, found):
        return np.clip(found, self.least, self.most)


def relative(difference, wanted):
    """Mean square of a difference over the variance of what is wanted."""
    return float((difference ** 2).mean() / (np.var(wanted) + 1e-12))


def solve(operands, wanted, omega, budget, limit, shared=False, quick=False):
    """The Rounding of a layer for operands [groups, samples, taps]; shared: one scale for all channels."""
    channels = Channels.of(operands, wanted.sums, omega)
    passes, steps = (1, 40) if quick else (PASSES, LARGEST_STEPS)
    found = best_start(channels, QUICK_FACTORS if quick else SCALE_FACTORS, budget, limit, shared, steps // 4)
    found = polished(found, channels, budget, limit, shared, passes, steps)
    for _ in range((1 if quick else 2 * PASSES) if wanted.is_free else 0):
        channels = channels.aimed(operands, wanted.nearest(found.sums(operands)))
        found.error = channels.error(found.integers, found.scale, found.bias)
        found = polished(found, channels, budget, limit, shared, 1, steps)
    return found
