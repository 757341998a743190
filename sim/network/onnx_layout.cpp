// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_layout.h"

#include <algorithm>

namespace widthwise {
namespace {

using Extents = FeatureView::Extents;
using Axes = std::vector<Axis>;

}  // namespace

FeatureView FeatureView::map(const Shape& shape, std::int64_t batch) {
    return {shape, batch, {{Axis::batch}, {Axis::channel}, {Axis::height}, {Axis::width}}};
}

FeatureView FeatureView::vector(int features, std::int64_t batch) {
    return {{features, 1, 1}, batch, {{Axis::batch}, {Axis::channel}}};
}

std::int64_t FeatureView::extent(Axis axis) const {
    switch (axis) {
        case Axis::batch: return batch;
        case Axis::channel: return shape.channels;
        case Axis::height: return shape.height;
        case Axis::width: return shape.width;
    }
    return 1;
}

Extents FeatureView::extents() const {
    Extents result;
    for (const Axes& axes : dimensions) {
        std::int64_t count = 1;
        for (const Axis axis : axes) count *= extent(axis);
        result.push_back(count);
    }
    return result;
}

bool FeatureView::is_map() const {
    const std::vector<Axes> whole = {{Axis::batch}, {Axis::channel}, {Axis::height}, {Axis::width}};
    const std::vector<Axes> line = {{Axis::batch}, {Axis::channel}, {Axis::width}};
    // An axis of extent 1 is as good as none.
    const auto same = [this](const std::vector<Axes>& wanted) {
        if (wanted.size() != dimensions.size()) return false;
        const auto large = [this](const Axes& axes) {
            Axes result;
            std::copy_if(axes.begin(), axes.end(), std::back_inserter(result),
                         [this](Axis axis) { return extent(axis) != 1; });
            return result;
        };
        return std::equal(wanted.begin(), wanted.end(), dimensions.begin(),
                          [&](const Axes& a, const Axes& b) { return large(a) == large(b); });
    };
    return same(whole) || (shape.height == 1 && same(line));
}

bool FeatureView::is_vector() const {
    int large = 0;
    bool batch_first = true;
    for (const Axes& axes : dimensions) {
        std::int64_t features = 1;
        for (const Axis axis : axes) {
            if (axis == Axis::batch) {
                batch_first = batch_first && (batch == 1 || (axes.size() == 1 && &axes == &dimensions.front()));
            } else {
                features *= extent(axis);
            }
        }
        large += features != 1 ? 1 : 0;
    }
    return batch_first && (large == 1 || (large == 0 && dimensions.size() >= 2));
}

bool FeatureView::is_in_order() const {
    Axes order;
    for (const Axes& axes : dimensions) {
        std::copy_if(axes.begin(), axes.end(), std::back_inserter(order),
                     [this](Axis axis) { return extent(axis) != 1 && axis != Axis::batch; });
    }
    return std::is_sorted(order.begin(), order.end());
}

std::vector<std::int32_t> FeatureView::features_in_order() const {
    std::int64_t stride[4] = {0, 0, 0, 0};  // by axis, in features of the tensor's order
    std::int64_t next = 1;
    for (auto dimension = dimensions.rbegin(); dimension != dimensions.rend(); ++dimension) {
        for (auto axis = dimension->rbegin(); axis != dimension->rend(); ++axis) {
            if (*axis == Axis::batch) continue;
            stride[static_cast<std::size_t>(*axis)] = next;
            next *= extent(*axis);
        }
    }
    std::vector<std::int32_t> order;
    order.reserve(static_cast<std::size_t>(shape.elements()));
    for (int c = 0; c < shape.channels; ++c) {
        for (int y = 0; y < shape.height; ++y) {
            for (int x = 0; x < shape.width; ++x) {
                order.push_back(static_cast<std::int32_t>(c * stride[static_cast<std::size_t>(Axis::channel)] +
                                                          y * stride[static_cast<std::size_t>(Axis::height)] +
                                                          x * stride[static_cast<std::size_t>(Axis::width)]));
            }
        }
    }
    return order;
}

FeatureView FeatureView::transposed(const Extents& permutation) const {
    FeatureView view = *this;
    for (std::size_t i = 0; i < permutation.size(); ++i) {
        view.dimensions[i] = dimensions[static_cast<std::size_t>(permutation[i])];
    }
    return view;
}

std::optional<FeatureView> FeatureView::reshaped(const Extents& target) const {
    Axes order;
    for (const Axes& axes : dimensions) {
        std::copy_if(axes.begin(), axes.end(), std::back_inserter(order),
                     [this](Axis axis) { return extent(axis) != 1; });
    }
    FeatureView view = *this;
    view.dimensions.assign(target.size(), {});
    auto next = order.begin();
    for (std::size_t i = 0; i < target.size(); ++i) {
        std::int64_t rest = target[i];
        while (rest > 1) {
            if (next == order.end() || rest % extent(*next) != 0) return std::nullopt;
            rest /= extent(*next);
            view.dimensions[i].push_back(*next++);
        }
        if (rest != 1) return std::nullopt;
    }
    if (next != order.end()) return std::nullopt;
    if (batch == 1 && !view.dimensions.empty() && view.dimensions[0].empty()) view.dimensions[0] = {Axis::batch};
    return view;
}

std::optional<FeatureView> FeatureView::squeezed(const std::optional<Extents>& axes) const {
    const Extents present = extents();
    std::vector<bool> dropped(present.size(), false);
    for (std::size_t i = 1; i < dropped.size(); ++i) dropped[i] = !axes && present[i] == 1;
    for (const std::int64_t axis : axes.value_or(Extents{})) {
        const std::int64_t place = axis < 0 ? axis + static_cast<std::int64_t>(dropped.size()) : axis;
        if (place < 0 || place >= static_cast<std::int64_t>(dropped.size())) return std::nullopt;
        if (present[static_cast<std::size_t>(place)] != 1) return std::nullopt;
        dropped[static_cast<std::size_t>(place)] = true;
    }
    FeatureView view = *this;
    view.dimensions.clear();
    for (std::size_t i = 0; i < dropped.size(); ++i) {
        if (!dropped[i]) view.dimensions.push_back(dimensions[i]);
    }
    return view;
}

std::optional<FeatureView> FeatureView::unsqueezed(const Extents& axes) const {
    const std::size_t rank = dimensions.size() + axes.size();
    std::vector<bool> added(rank, false);
    for (const std::int64_t axis : axes) {
        const std::int64_t place = axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis;
        if (place < 0 || place >= static_cast<std::int64_t>(rank) || added[static_cast<std::size_t>(place)]) {
            return std::nullopt;
        }
        added[static_cast<std::size_t>(place)] = true;
    }
    FeatureView view = *this;
    view.dimensions.clear();
    auto next = dimensions.begin();
    for (std::size_t i = 0; i < rank; ++i) view.dimensions.push_back(added[i] ? Axes{} : *next++);
    return view;
}

std::string FeatureView::text() const {
    static const char* const kNames[] = {"N", "C", "H", "W"};
    std::string text;
    for (const Axes& axes : dimensions) {
        if (!text.empty()) text += " x ";
        if (axes.empty()) text += "1";
        for (const Axis axis : axes) text += kNames[static_cast<std::size_t>(axis)];
    }
    return text.empty() ? "one value" : text;
}

}  // namespace widthwise
