// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_fold.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "common/error.h"
#include "network/onnx_fold_numbers.h"
#include "network/onnx_limits.h"

namespace widthwise {
namespace {

using Extents = std::vector<std::int64_t>;

std::int64_t product(const Extents& extents, std::size_t first, std::size_t end) {
    std::int64_t count = 1;
    for (std::size_t i = first; i < end; ++i) count *= extents[i];
    return count;
}

std::int64_t bytes_of(const ConstantInputs& inputs) {
    std::int64_t bytes = 0;
    for (const ConstantTensor* input : inputs) {
        if (input != nullptr) bytes += static_cast<std::int64_t>(input->bytes.size());
    }
    return bytes;
}

/// A result of these extents, whose product is limited before it is taken: to kMaxFoldedBytes beyond the inputs' bytes.
ConstantTensor result_like(const ConstantTensor& source, const Extents& extents, std::int64_t input_bytes) {
    const std::int64_t most = kMaxFoldedBytes + input_bytes;
    std::int64_t bytes = source.element_bytes();
    for (const std::int64_t extent : extents) {
        if (extent != 0 && bytes > most / extent) {
            throw InputError(fmt::format("makes a constant of [{}] values, expected at most {} bytes",
                                         fmt::join(extents, ", "), most));
        }
        bytes *= extent;
    }
    return make_constant(source.data_type, extents);
}

ConstantTensor with_extents(const ConstantTensor& tensor, Extents extents) {
    ConstantTensor result = tensor;
    result.dimensions = std::move(extents);
    return result;
}

ConstantTensor gather(const onnx::NodeProto& node, const ConstantTensor& data, const ConstantTensor& indices) {
    const std::size_t axis = axis_within(integer_attribute(node, "axis", 0), data.dimensions.size());
    Extents extents(data.dimensions.begin(), data.dimensions.begin() + static_cast<std::ptrdiff_t>(axis));
    extents.insert(extents.end(), indices.dimensions.begin(), indices.dimensions.end());
    extents.insert(extents.end(), data.dimensions.begin() + static_cast<std::ptrdiff_t>(axis) + 1,
                   data.dimensions.end());
    ConstantTensor result = result_like(data, extents, bytes_of({&data, &indices}));
    const std::int64_t outer = product(data.dimensions, 0, axis);
    const std::int64_t run = product(data.dimensions, axis + 1, data.dimensions.size()) * data.element_bytes();
    const std::int64_t slices = data.dimensions[axis];
    std::size_t to = 0;
    const Extents places = integers_of(indices);
    for (std::int64_t block = 0; block < outer; ++block) {
        for (const std::int64_t place : places) {
            if (place < -slices || place >= slices) {
                throw InputError(fmt::format("takes element {} of {}", place, slices));
            }
            const std::int64_t from = (block * slices + (place < 0 ? place + slices : place)) * run;
            result.bytes.replace(to, static_cast<std::size_t>(run), data.bytes, static_cast<std::size_t>(from),
                                 static_cast<std::size_t>(run));
            to += static_cast<std::size_t>(run);
        }
    }
    return result;
}

ConstantTensor concat(const onnx::NodeProto& node, const ConstantInputs& inputs) {
    const ConstantTensor& first = *inputs[0];
    const std::size_t axis = axis_within(integer_attribute(node, "axis", 0), first.dimensions.size());
    Extents extents = first.dimensions;
    extents[axis] = 0;
    for (const ConstantTensor* input : inputs) {
        Extents others = input->dimensions;
        if (others.size() != extents.size() || input->data_type != first.data_type) {
            throw InputError("joins constants of different types or ranks");
        }
        extents[axis] += others[axis];
        others[axis] = first.dimensions[axis];
        if (others != first.dimensions) throw InputError("joins constants of different shapes");
    }
    ConstantTensor result = result_like(first, extents, bytes_of(inputs));
    result.bytes.clear();
    const std::int64_t outer = product(first.dimensions, 0, axis);
    for (std::int64_t block = 0; block < outer; ++block) {
        for (const ConstantTensor* input : inputs) {
            const std::size_t run = input->bytes.size() / static_cast<std::size_t>(outer);
            result.bytes.append(input->bytes, static_cast<std::size_t>(block) * run, run);
        }
    }
    return result;
}

/// One axis of a Slice, in elements of it.
struct Range {
    std::int64_t first = 0;
    std::int64_t step = 1;
    std::int64_t count = 0;
};

Range range_of(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t extent) {
    if (step == 0) throw InputError("slices with a step of 0");
    const auto within = [extent](std::int64_t at, std::int64_t low, std::int64_t high) {
        return std::clamp(at < 0 ? at + extent : at, low, high);
    };
    Range range;
    range.step = step;
    if (step > 0) {
        range.first = within(start, 0, extent);
        const std::int64_t last = within(end, 0, extent);
        range.count = std::max<std::int64_t>(0, (last - range.first + step - 1) / step);
    } else {
        range.first = within(start, -1, extent - 1);
        const std::int64_t last = end < -extent ? -1 : within(end, -1, extent - 1);
        range.count = std::max<std::int64_t>(0, (range.first - last - step - 1) / -step);
    }
    return range;
}

ConstantTensor slice_axis(const ConstantTensor& data, std::size_t axis, const Range& range) {
    ConstantTensor result = data;
    result.dimensions[axis] = range.count;
    result.bytes.clear();
    const std::int64_t outer = product(data.dimensions, 0, axis);
    const std::int64_t run = product(data.dimensions, axis + 1, data.dimensions.size()) * data.element_bytes();
    for (std::int64_t block = 0; block < outer; ++block) {
        for (std::int64_t i = 0; i < range.count; ++i) {
            const std::int64_t from = (block * data.dimensions[axis] + range.first + i * range.step) * run;
            result.bytes.append(data.bytes, static_cast<std::size_t>(from), static_cast<std::size_t>(run));
        }
    }
    return result;
}

Extents list_of(const onnx::NodeProto& node, const ConstantInputs& inputs, std::size_t index, const std::string& name) {
    if (index < inputs.size() && inputs[index] != nullptr) return integers_of(*inputs[index]);
    const onnx::AttributeProto* attribute = find_attribute(node, name);
    return attribute == nullptr ? Extents{} : Extents{attribute->ints().begin(), attribute->ints().end()};
}

/// Bounds were attributes before operator set 10.
ConstantTensor slice(const onnx::NodeProto& node, const ConstantInputs& inputs) {
    ConstantTensor result = *inputs[0];
    const Extents starts = list_of(node, inputs, 1, "starts");
    const Extents ends = list_of(node, inputs, 2, "ends");
    Extents axes = list_of(node, inputs, 3, "axes");
    Extents steps = list_of(node, inputs, 4, "steps");
    if (axes.empty()) {
        axes.resize(starts.size());
        std::iota(axes.begin(), axes.end(), 0);
    }
    if (steps.empty()) steps.assign(starts.size(), 1);
    if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
        throw InputError("has lists of starts, ends, axes and steps of different lengths");
    }
    for (std::size_t i = 0; i < starts.size(); ++i) {
        const std::size_t axis = axis_within(axes[i], result.dimensions.size());
        result = slice_axis(result, axis, range_of(starts[i], ends[i], steps[i], result.dimensions[axis]));
    }
    return result;
}

ConstantTensor squeeze(const onnx::NodeProto& node, const ConstantInputs& inputs) {
    const ConstantTensor& data = *inputs[0];
    const auto axes = axes_of(node, inputs.size() > 1 ? inputs[1] : nullptr);
    std::vector<bool> dropped(data.dimensions.size(), false);
    for (std::size_t i = 0; i < dropped.size(); ++i) dropped[i] = !axes && data.dimensions[i] == 1;
    for (const std::int64_t axis : axes.value_or(Extents{})) dropped[axis_within(axis, dropped.size())] = true;
    Extents extents;
    for (std::size_t i = 0; i < dropped.size(); ++i) {
        if (!dropped[i]) extents.push_back(data.dimensions[i]);
        else if (data.dimensions[i] != 1) throw InputError(fmt::format("squeezes an axis of {}", data.dimensions[i]));
    }
    return with_extents(data, extents);
}

ConstantTensor unsqueeze(const onnx::NodeProto& node, const ConstantInputs& inputs) {
    const ConstantTensor& data = *inputs[0];
    const Extents axes = axes_of(node, inputs.size() > 1 ? inputs[1] : nullptr).value_or(Extents{});
    const std::size_t rank = data.dimensions.size() + axes.size();
    std::vector<bool> added(rank, false);
    for (const std::int64_t axis : axes) {
        const std::size_t place = axis_within(axis, rank);
        if (added[place]) throw InputError(fmt::format("inserts axis {} twice", axis));
        added[place] = true;
    }
    Extents extents;
    auto next = data.dimensions.begin();
    for (std::size_t i = 0; i < rank; ++i) extents.push_back(added[i] ? 1 : *next++);
    return with_extents(data, extents);
}

ConstantTensor reshape(const onnx::NodeProto& node, const ConstantInputs& inputs) {
    const bool allow_zero = integer_attribute(node, "allowzero", 0) != 0;
    return with_extents(*inputs[0], reshaped_extents(inputs[0]->dimensions, integers_of(*inputs.at(1)), allow_zero));
}

ConstantTensor flatten(const onnx::NodeProto& node, const ConstantInputs& inputs) {
    const Extents& extents = inputs[0]->dimensions;
    const std::int64_t axis = integer_attribute(node, "axis", 1);
    const std::size_t split =
        axis == static_cast<std::int64_t>(extents.size()) ? extents.size() : axis_within(axis, extents.size());
    return with_extents(*inputs[0], {product(extents, 0, split), product(extents, split, extents.size())});
}

ConstantTensor transpose(const onnx::NodeProto& node, const ConstantInputs& inputs) {
    return transposed(*inputs[0], permutation_of(node, inputs[0]->dimensions.size()));
}

ConstantTensor constant_of_shape(const onnx::NodeProto& node, const ConstantInputs& inputs) {
    ConstantTensor value = make_constant(onnx::TensorProto::FLOAT, {1});
    if (const onnx::AttributeProto* attribute = find_attribute(node, "value")) {
        value = take_constant(onnx::TensorProto(attribute->t()));
    }
    if (value.elements() != 1) throw InputError("has a value of more than one element");
    const Extents extents = integers_of(*inputs[0]);
    if (std::any_of(extents.begin(), extents.end(), [](std::int64_t extent) { return extent < 0; })) {
        throw InputError(fmt::format("makes the shape [{}]", fmt::join(extents, ", ")));
    }
    ConstantTensor result = result_like(value, extents, bytes_of(inputs));
    const auto size = static_cast<std::size_t>(value.element_bytes());
    if (size == 1) result.bytes.assign(result.bytes.size(), value.bytes[0]);
    else
        for (std::size_t at = 0; at < result.bytes.size(); at += size) result.bytes.replace(at, size, value.bytes);
    return result;
}

using Function = ConstantTensor (*)(const onnx::NodeProto&, const ConstantInputs&);

struct Foldable {
    Function function;
    std::size_t inputs;  ///< at least, and present
};

const std::map<std::string, Foldable>& foldables() {
    static const std::map<std::string, Foldable> kFoldables = {
        {"Concat", {concat, 1}},
        {"ConstantOfShape", {constant_of_shape, 1}},
        {"Flatten", {flatten, 1}},
        {"Gather", {[](const auto& node, const auto& inputs) { return gather(node, *inputs[0], *inputs[1]); }, 2}},
        {"Identity", {[](const auto&, const auto& inputs) { return *inputs[0]; }, 1}},
        {"Reshape", {reshape, 2}},
        {"Shape", {[](const auto&, const auto& inputs) { return make_integers(inputs[0]->dimensions); }, 1}},
        {"Size",
         {[](const auto&, const auto& inputs) {
              ConstantTensor size = make_integers({inputs[0]->elements()});
              size.dimensions.clear();
              return size;
          },
          1}},
        {"Slice", {slice, 1}},
        {"Squeeze", {squeeze, 1}},
        {"Transpose", {transpose, 1}},
        {"Unsqueeze", {unsqueeze, 1}},
    };
    return kFoldables;
}

}  // namespace

std::optional<ConstantTensor> fold(const onnx::NodeProto& node, const ConstantInputs& inputs) {
    if (!node.domain().empty() && node.domain() != "ai.onnx") return fold_numbers(node, inputs);
    const auto found = foldables().find(node.op_type());
    if (found == foldables().end()) return fold_numbers(node, inputs);
    const bool all = node.op_type() == "Concat";
    if (inputs.size() < found->second.inputs) throw InputError(fmt::format("has {} inputs", inputs.size()));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if ((all || i < found->second.inputs) && inputs[i] == nullptr) throw InputError("leaves out an input");
    }
    return found->second.function(node, inputs);
}

std::vector<std::int64_t> reshaped_extents(const Extents& source, const Extents& target, bool allow_zero) {
    const std::int64_t elements = product(source, 0, source.size());
    Extents extents = target;
    std::int64_t known = 1;
    std::size_t open = target.size();
    const auto fail = [&] {
        throw InputError(fmt::format("reshapes [{}] to [{}]", fmt::join(source, ", "), fmt::join(target, ", ")));
    };
    for (std::size_t i = 0; i < extents.size(); ++i) {
        if (extents[i] == 0 && !allow_zero) {
            if (i >= source.size()) fail();
            extents[i] = source[i];
        }
        if (extents[i] < -1 || (extents[i] == -1 && open != target.size())) fail();
        if (extents[i] == -1) {
            open = i;
        } else {
            if (extents[i] != 0 && known > kMaxConstantValues / extents[i]) fail();
            known *= extents[i];
        }
    }
    if (open != target.size()) {
        if (known == 0 || elements % known != 0) fail();
        extents[open] = elements / known;
        known *= extents[open];
    }
    if (known != elements) fail();
    return extents;
}

ConstantTensor transposed(const ConstantTensor& tensor, const Extents& permutation) {
    const std::size_t rank = permutation.size();
    Extents extents(rank);
    Extents strides(rank, 1);  // in elements of the source, by axis of the result
    for (std::size_t i = 0; i < rank; ++i) {
        const auto from = static_cast<std::size_t>(permutation[i]);
        extents[i] = tensor.dimensions[from];
        strides[i] = product(tensor.dimensions, from + 1, rank);
    }
    ConstantTensor result = make_constant(tensor.data_type, extents);
    const auto size = static_cast<std::size_t>(tensor.element_bytes());
    Extents at(rank, 0);
    std::int64_t from = 0;
    for (std::size_t to = 0; to < result.bytes.size(); to += size) {
        std::copy_n(tensor.bytes.data() + static_cast<std::size_t>(from) * size, size, result.bytes.data() + to);
        for (std::size_t axis = rank; axis-- > 0;) {  // the odometer's next place
            from += strides[axis];
            if (++at[axis] < extents[axis]) break;
            from -= strides[axis] * extents[axis];
            at[axis] = 0;
        }
    }
    return result;
}

std::vector<std::int64_t> permutation_of(const onnx::NodeProto& node, std::size_t rank) {
    const onnx::AttributeProto* attribute = find_attribute(node, "perm");
    Extents permutation(rank);
    std::iota(permutation.rbegin(), permutation.rend(), 0);
    if (attribute == nullptr) return permutation;
    Extents sorted = permutation = {attribute->ints().begin(), attribute->ints().end()};
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size() || sorted.size() != rank; ++i) {
        if (sorted.size() == rank && sorted[i] == static_cast<std::int64_t>(i)) continue;
        throw InputError(fmt::format("attribute perm is [{}], expected each of the {} axes once",
                                     fmt::join(permutation, ", "), rank));
    }
    return permutation;
}

std::optional<std::vector<std::int64_t>> axes_of(const onnx::NodeProto& node, const ConstantTensor* input) {
    if (input != nullptr) return integers_of(*input);
    const onnx::AttributeProto* attribute = find_attribute(node, "axes");
    if (attribute == nullptr) return std::nullopt;
    return Extents{attribute->ints().begin(), attribute->ints().end()};
}

std::size_t axis_within(std::int64_t axis, std::size_t rank) {
    const auto axes = static_cast<std::int64_t>(rank);
    if (axis < -axes || axis >= axes) throw InputError(fmt::format("names axis {} of {}", axis, rank));
    return static_cast<std::size_t>(axis < 0 ? axis + axes : axis);
}

const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, const std::string& name) {
    const auto found = std::find_if(node.attribute().begin(), node.attribute().end(),
                                    [&](const onnx::AttributeProto& attribute) { return attribute.name() == name; });
    return found == node.attribute().end() ? nullptr : &*found;
}

std::int64_t integer_attribute(const onnx::NodeProto& node, const std::string& name, std::int64_t fallback) {
    const onnx::AttributeProto* attribute = find_attribute(node, name);
    return attribute == nullptr ? fallback : attribute->i();
}

std::vector<std::int64_t> integers_of(const ConstantTensor& tensor) {
    if (!tensor.is_integer()) throw InputError(fmt::format("takes {}, expected integers", type_name(tensor.data_type)));
    Extents values(static_cast<std::size_t>(tensor.elements()));
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<std::int64_t>(std::clamp(tensor.at(static_cast<std::int64_t>(i)), -9.0e18, 9.0e18));
    }
    return values;
}

}  // namespace widthwise
