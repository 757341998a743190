# SPDX-License-Identifier: Apache-2.0
"""Quantization-aware training of LeNet-5 whose sums fit a narrow accumulator; see train_narrow_lenet5.

Weights are integers times a learned scale per output channel. Where a guarantee is asked for, the integers of a
channel are the nearest ones to the float weights whose positive and whose negative parts each fit a budget:
budget * largest activation is what the accumulator holds. That projection subtracts the same number from all
magnitudes before rounding (the exact minimiser of the squared distance) and happens in every training step, so that
every checkpoint keeps the guarantee. Gradients pass rounding and projection as if they were not there, except that
the scale of a channel that fills its budget is not charged for weights that the budget took.

Few units per channel are hard to place at once. A recipe can begin with wider accumulators, whose width falls steadily
to the one asked for, so that the weights that matter are known before the budget takes the others. Float weights whose
unit the budget took go on moving unseen; a recipe can draw all of them a little towards their integers in each step, so
that they stay near enough to come back.

Where sums need only fit for images, a penalty on their excess joins the loss.
"""

import math
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import fixture_tools as tools
from lenet5 import WEIGHT_LAYERS, LeNet5, augment, to_float

HELD_OUT = 5000  # the last training images: never trained on, they compare recipes
COPIES = 8  # augmented copies of the training images, from not at all to as much as the float network saw
BATCH = 256
WARM_UP = 0.1  # share of the steps
TEMPERATURE = 3.0
DISTILLED = 0.7  # share of the float network's answers in the loss, the labels have the rest
EXCESS_WEIGHT = 0.1
MARGIN = 0.85  # of an accumulator's range, that training holds sums to
FIFTHS = 5  # parts that the sums of a fully connected layer are watched in
BISECTIONS = 14
CALIBRATION_IMAGES = 2000


class Rounded(torch.autograd.Function):
    """integers * exp(log_scale), with gradients for `values`, inside the range, and for the scale.

    Where `free`, a larger scale makes the integers smaller; elsewhere they fill their budget whatever the scale.
    """

    @staticmethod
    def forward(context, values, log_scale, integers, inside, free):
        result = integers * log_scale.exp()
        context.save_for_backward(values, log_scale, result, inside, free)
        return result

    @staticmethod
    def backward(context, gradient):
        values, log_scale, result, inside, free = context.saved_tensors
        passed = gradient * inside
        change = gradient * result - passed * values * free
        if log_scale.ndim:
            change = change.reshape(len(log_scale), -1).sum(1).reshape(log_scale.shape)
        else:
            change = change.sum()
        return passed, change, None, None, None


def fit_budget(magnitudes, budget, limit):
    """Nonnegative integers nearest to each row of magnitudes, none above limit, each row's sum within its budget.

    Also returns which rows fit without the budget.
    """
    def rounded(shift):
        return (magnitudes - shift).clamp(min=0, max=limit).round()

    low, high = torch.zeros(len(magnitudes), 1), magnitudes.max(1, keepdim=True).values
    plain = rounded(low)
    fits = plain.sum(1, keepdim=True) <= budget
    if fits.all():
        return plain, fits
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        enough = rounded(middle).sum(1, keepdim=True) <= budget
        high = torch.where(enough, middle, high)
        low = torch.where(enough, low, middle)
    return torch.where(fits, plain, rounded(high)), fits


def project(values, limit, positive, negative):
    """Signed integers nearest to values [channels, ...] within +-limit and the budgets of both signs, or no budget.

    Also returns 1 for each value that its budget did not change, else 0.
    """
    if positive is None:
        return values.clamp(-limit, limit).round(), torch.ones_like(values)
    flat = values.flatten(1)
    magnitudes = torch.cat([flat.clamp(min=0), (-flat).clamp(min=0)])
    integers, fits = fit_budget(magnitudes, torch.cat([positive, negative]), limit)
    above, below = integers.chunk(2)
    fits_above, fits_below = fits.chunk(2)
    free = torch.where(flat > 0, fits_above, fits_below).float()
    return (above - below).reshape(values.shape), free.reshape(values.shape)


def as_kernel(weight):
    """The weights of a fully connected layer as those of a 1x1 convolution."""
    return weight if weight.ndim == 4 else weight[:, :, None, None]


class NarrowLeNet5(nn.Module):
    """LeNet-5 as the integer hardware computes it, in float.

    weight_bits: {"c1": 4, ...}. largest: integer of the image and of the outputs, {"image": 3, "c1": 3, ...}.
    widths: accumulator bits that no input may exceed, of each layer, {"c1": 8, ...}; empty for none. While `wider` is
    not 0 the accumulators are that many bits wider; it need not be whole.
    """

    def __init__(self, teacher, weight_bits, largest, widths):
        super().__init__()
        self.weight_bits, self.largest, self.widths, self.wider = weight_bits, largest, widths, 0.0
        self.input_scale = np.float32(1) / np.float32(largest["image"])
        self.weights = nn.ParameterDict({n: nn.Parameter(getattr(teacher, n).weight.detach().clone())
                                         for n in WEIGHT_LAYERS})
        self.bias = nn.Parameter(teacher.out.bias.detach().clone())
        self.weight_scales = nn.ParameterDict({n: nn.Parameter(torch.zeros((len(w),) + (1,) * (w.ndim - 1)))
                                               for n, w in self.weights.items()})
        self.output_scales = nn.ParameterDict({n: nn.Parameter(torch.zeros(())) for n in WEIGHT_LAYERS[:-1]})

    def largest_input(self, name):
        source = (["image"] + WEIGHT_LAYERS)[WEIGHT_LAYERS.index(name)]
        return self.largest[source]

    def log_input_scale(self, name):
        if name == "c1":
            return torch.tensor(math.log(self.input_scale))
        return self.output_scales[WEIGHT_LAYERS[WEIGHT_LAYERS.index(name) - 1]]

    def integer_bias(self):
        """The bias of OUT in units of its products, and those units."""
        unit = (self.log_input_scale("out") + self.weight_scales["out"].flatten()).exp().detach()
        most = 2 ** (self.widths.get("out", 24) - 3)
        return (self.bias.detach() / unit).round().clamp(-most, most), unit

    def budgets(self, name):
        """What the positive and what the negative integer weights of each channel may add up to, [channels, 1]."""
        if not self.widths:
            return None, None
        bias = self.integer_bias()[0] if name == "out" else torch.zeros(len(self.weights[name]))
        half, most = 2 ** (self.widths[name] + self.wider - 1), self.largest_input(name)
        positive = torch.div(half - 1 - bias.clamp(min=0), most, rounding_mode="floor")
        negative = torch.div(half + bias.clamp(max=0), most, rounding_mode="floor")
        return positive[:, None], negative[:, None]

    def projected(self, name):
        limit = 2 ** (self.weight_bits[name] - 1) - 1
        with torch.no_grad():
            return project(self.weights[name] / self.weight_scales[name].exp(), limit, *self.budgets(name))

    def integer_weights(self, name):
        return self.projected(name)[0]

    def draw(self, share):
        """Moves the float weights by this share of the way to what their integers stand for."""
        with torch.no_grad():
            for name, weights in self.weights.items():
                weights.lerp_(self.integer_weights(name) * self.weight_scales[name].exp(), share)

    def weight(self, name):
        limit, weights, scale = 2 ** (self.weight_bits[name] - 1) - 1, self.weights[name], self.weight_scales[name]
        inside = (weights.detach().abs() <= (limit + 0.5) * scale.detach().exp()).float()
        integers, free = self.projected(name)
        return Rounded.apply(weights, scale, integers, inside, free)

    def parameters_of(self, name):
        """Weights as those of a convolution, and the bias or None, in real units."""
        weight = as_kernel(self.weight(name))
        if name != "out":
            return weight, None
        integers, unit = self.integer_bias()
        ones = torch.ones_like(integers)
        return weight, Rounded.apply(self.bias, unit.log(), integers, ones, ones)

    def sums(self, name, x):
        """The finished sums of a layer in real units."""
        return functional.conv2d(x, *self.parameters_of(name))

    def sums_and_excess(self, name, x, width):
        """The finished sums, and how far an image's sums go beyond MARGIN of what `width` bits hold.

        The excess is in units of that, added up over the sums as they are after each kernel row or, in a fully
        connected layer, after each fifth of the inputs: the order in which the array accumulates by default.
        """
        weight, bias = self.parameters_of(name)
        largest = (self.log_input_scale(name) + self.weight_scales[name]).exp() * (MARGIN * 2 ** (width - 1))
        sums, excess = 0.0 if bias is None else bias.reshape(1, -1, 1, 1), 0.0
        rows = weight.shape[2]
        if rows == 1:
            parts = zip(x.chunk(FIFTHS, 1), weight.chunk(FIFTHS, 1))
        else:
            parts = ((x[:, :, row:x.shape[2] - rows + 1 + row], weight[:, :, row:row + 1]) for row in range(rows))
        for inputs, weights in parts:
            sums = sums + functional.conv2d(inputs, weights)
            excess = excess + functional.relu(sums.abs() / largest.reshape(1, -1, 1, 1) - 1).sum() / len(sums)
        return sums, excess

    def quantize_image(self, pixels):
        """Float pixels of 0..1 as the real values of the quantized image."""
        scale = torch.tensor(self.input_scale)
        return (pixels / scale).clamp(max=self.largest_input("c1")).round() * scale

    def activation(self, name, sums):
        """Max pool where the network has one, ReLU and rounding; the order of the first two makes no difference."""
        if name in ("c1", "c3"):
            sums = functional.max_pool2d(sums, 2)
        most, scale = self.largest[name], self.output_scales[name]
        values = sums.detach() / scale.detach().exp()
        inside = ((values >= 0) & (values <= most)).float()
        return Rounded.apply(sums, scale, values.clamp(0, most).round(), inside, torch.ones_like(inside))

    def forward(self, pixels, width=None):
        """The logits and, where a width is given, how far the sums go beyond it."""
        x, excess = self.quantize_image(pixels), 0.0
        for name in WEIGHT_LAYERS:
            if width is None or self.widths[name] <= width:
                sums = self.sums(name, x)
            else:
                sums, beyond = self.sums_and_excess(name, x, width)
                excess = excess + beyond
            if name != "out":
                x = self.activation(name, sums)
        return sums.flatten(1), excess

    def calibrate(self, pixels):
        """Scales of least squared error, layer by layer, and sums as large as those of the float network."""
        with torch.no_grad():
            x, exact = self.quantize_image(pixels), pixels
            for name in WEIGHT_LAYERS:
                exact = functional.conv2d(exact, as_kernel(self.weights[name]))
                self.calibrate_weights(name)
                self.restore_size(name, exact, functional.conv2d(x, as_kernel(self.weight(name))))
                if name == "out":
                    break
                sums = self.sums(name, x)
                if name in ("c1", "c3"):
                    exact = functional.max_pool2d(exact, 2)
                exact = functional.relu(exact)
                self.calibrate_output(name, functional.max_pool2d(sums, 2) if name in ("c1", "c3") else sums)
                x = self.activation(name, sums)

    def calibrate_weights(self, name):
        weights, scale = self.weights[name], self.weight_scales[name]
        largest = weights.flatten(1).abs().max(1).values.reshape(scale.shape)
        limit = 2 ** (self.weight_bits[name] - 1) - 1
        best = torch.full(scale.shape, math.inf)
        chosen = torch.zeros_like(scale)
        for factor in np.geomspace(1 / limit, 1.5, 40) if limit < 127 else [1 / limit]:
            scale.copy_((largest * factor).log())
            error = (self.integer_weights(name) * scale.exp() - weights).square().flatten(1).sum(1).reshape(scale.shape)
            chosen = torch.where(error < best, scale, chosen)
            best = torch.minimum(best, error)
        scale.copy_(chosen)

    def restore_size(self, name, wanted, found):
        """Scales the weights of each channel, of which a budget may have taken many, by the sizes of its sums."""
        wanted, found = wanted.square().mean((0, 2, 3)), found.square().mean((0, 2, 3))
        ratio = torch.where(found > 0, wanted / found, torch.ones_like(found)).sqrt()
        ratio = ratio.reshape(self.weight_scales[name].shape)
        self.weights[name].mul_(ratio)
        self.weight_scales[name].add_(ratio.log())

    def calibrate_output(self, name, values):
        values, most, best = values.clamp(min=0), self.largest[name], math.inf
        for factor in np.geomspace(0.05, 1, 40):
            scale = float(values.max()) * factor / most
            error = float(((values / scale).clamp(max=most).round() * scale - values).square().mean())
            if error < best:
                best, chosen = error, scale
        self.output_scales[name].fill_(math.log(chosen))


class Material:
    """Augmented copies of the training images and the float network's answers to them, for all models alike."""

    def __init__(self, teacher, seed):
        torch.manual_seed(seed)
        pixels, labels = tools.padded_images("train-images-idx3-ubyte"), tools.mnist("train-labels-idx1-ubyte")
        self.count = len(pixels) - HELD_OUT
        self.held_out = torch.from_numpy(pixels[self.count:].copy()), labels[self.count:]
        self.labels = torch.from_numpy(labels[:self.count].astype(np.int64))
        self.images = torch.empty((COPIES, self.count) + pixels.shape[1:], dtype=torch.uint8)
        self.answers = torch.empty((COPIES, self.count, 10))
        with torch.no_grad():
            for copy in range(COPIES):
                for first in range(0, self.count, 1000):
                    part = augment(to_float(pixels[first:min(first + 1000, self.count)]), copy / (COPIES - 1))
                    end = first + len(part)
                    self.images[copy, first:end] = (part * 255).round().clamp(0, 255).to(torch.uint8)
                    self.answers[copy, first:end] = teacher(self.images[copy, first:end].float() / 255)

    def batches(self):
        """One epoch: every image once, each from a random copy."""
        order = torch.randperm(self.count)
        for first in range(0, self.count - BATCH + 1, BATCH):
            chosen = order[first:first + BATCH]
            copies = torch.randint(COPIES, (BATCH,))
            yield self.images[copies, chosen].float() / 255, self.labels[chosen], self.answers[copies, chosen]


def accuracy(net, images, labels):
    with torch.no_grad():
        hits = sum(int((net(images[i:i + 1000].float() / 255)[0].argmax(1).numpy() == labels[i:i + 1000]).sum())
                   for i in range(0, len(images), 1000))
    return 100.0 * hits / len(images)


def train(teacher, material, recipe, seed):
    """A NarrowLeNet5 trained after a recipe (see RECIPES in train_narrow_lenet5), and its held-out accuracy."""
    torch.manual_seed(seed)
    net = NarrowLeNet5(teacher, recipe["weight_bits"], recipe["largest"], recipe["widths"])
    net.wider = recipe["wider"]
    net.calibrate(material.images[0, :CALIBRATION_IMAGES].float() / 255)
    print(f"calibrated: {accuracy(net, *material.held_out):.2f} % of the held-out images", flush=True)
    optimiser = torch.optim.Adam(net.parameters(), lr=recipe["rate"])
    steps = recipe["epochs"] * (material.count // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe["rate"], total_steps=steps, pct_start=WARM_UP)
    began, step = time.time(), 0
    for epoch in range(recipe["epochs"]):
        totals = np.zeros(2)
        for pixels, labels, answers in material.batches():
            net.wider = recipe["wider"] * max(0.0, 1 - step / (recipe["narrow_by"] * steps))
            logits, excess = net(pixels, recipe["held_to"])
            softened = functional.kl_div(functional.log_softmax(logits / TEMPERATURE, 1),
                                         functional.softmax(answers / TEMPERATURE, 1), reduction="batchmean")
            loss = DISTILLED * TEMPERATURE ** 2 * softened + (1 - DISTILLED) * functional.cross_entropy(logits, labels)
            optimiser.zero_grad()
            (loss + EXCESS_WEIGHT * excess).backward()
            optimiser.step()
            if recipe["drawn"]:
                # In the rhythm of the learning rate: what draws more than the gradients push undoes what they found.
                net.draw(recipe["drawn"] * schedule.get_last_lr()[0] / recipe["rate"])
            schedule.step()
            step += 1
            totals += [loss.item(), float(excess)]
        loss, excess = totals / (material.count // BATCH)
        print(f"epoch {epoch + 1:2}/{recipe['epochs']}  loss {loss:.4f}  excess {excess:.4f}  "
              f"held out {accuracy(net, *material.held_out):.2f} %  {time.time() - began:.0f} s", flush=True)
    net.wider = 0.0
    return net, accuracy(net, *material.held_out)
