// SPDX-License-Identifier: Apache-2.0
#include "network/topology.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/input_file.h"
#include "common/md5.h"
#include "network/onnx_import.h"
#include "network/onnx_limits.h"
#include "text/letter_case.h"
#include "text/list_text.h"
#include "text/printable.h"

namespace widthwise {
namespace {

constexpr FileLimit kTopologyFile{"a list of layers", std::int64_t{16} << 20};
constexpr std::size_t kLongestRow = 10000;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  ///< spreadsheets write it

/// A column of one of the forms; `fallback`: the number of a layer where the table leaves the column out.
struct Column {
    std::string_view name;
    std::optional<int> fallback = std::nullopt;
};

struct Row;

struct Form {
    std::string_view text;
    std::vector<Column> columns;  ///< the first is the name
    /// The operator, and the shape of the map that it reads.
    Operator (*layer)(const Row& row, Shape& input);
};

/// "IFMAP Height" and "ifmap_height" name one column, and so do "Layer" and "Layer name".
std::string plain_name(std::string_view text) {
    std::string plain;
    for (const char letter : lower_case(text)) {
        if (letter != ' ' && letter != '_' && letter != '-' && letter != '\t') plain += letter;
    }
    return plain == "layername" ? "layer" : plain;
}

struct Row {
    const std::string& path;
    std::size_t line;
    const Form& form;
    const std::vector<std::optional<std::size_t>>& places;  ///< of the form's columns in the file
    const std::vector<std::string>& cells;

    [[noreturn]] void fail(const std::string& what) const {
        throw InputError(fmt::format("{}:{}: {}", path, line, what));
    }
    [[nodiscard]] const std::string& name() const { return cells[*places.front()]; }
    [[nodiscard]] int number(std::string_view column, std::int64_t most, int least = 1) const {
        std::size_t index = 0;
        while (form.columns[index].name != column) ++index;
        const std::optional<std::size_t>& place = places[index];
        if (!place) return *form.columns[index].fallback;
        const std::string& cell = cells[*place];
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
        if (error != std::errc{} || end != cell.data() + cell.size() || value < least || value > most) {
            fail(fmt::format("{} of layer '{}' is '{}' (allowed: an integer from {} to {})", column, printable(name()),
                             printable(cell), least, most));
        }
        return static_cast<int>(value);
    }
    [[nodiscard]] int extent(std::string_view column) const { return number(column, kMaxExtent); }
};

Operator convolution(const Shape& input, int filters, const Window& window, int groups) {
    Operator op;
    op.kind = OperatorKind::convolution;
    op.window = window;
    op.groups = groups;
    op.weights.output_channels = filters;
    op.weights.input_channels = input.channels / groups;
    op.weights.kernel_height = window.kernel_height;
    op.weights.kernel_width = window.kernel_width;
    op.weights.scales = {1.0F};
    return op;
}

/// Pixels behind the map that the last window needs: SCALE-Sim has ceil((extent - kernel) / stride) + 1 of them.
int hanging_over(const Row& row, int extent, int kernel, int stride) {
    if (kernel > extent)
        row.fail(fmt::format("the filter of layer '{}' is larger than its map ({} > {})", printable(row.name()), kernel,
                             extent));
    return (stride - (extent - kernel) % stride) % stride;
}

Operator scale_sim_convolution(const Row& row, Shape& input) {
    input = {row.extent("Channels"), row.extent("IFMAP Height"), row.extent("IFMAP Width")};
    Window window;
    window.kernel_height = row.extent("Filter Height");
    window.kernel_width = row.extent("Filter Width");
    window.stride_height = window.stride_width = row.extent("Strides");
    window.pad_bottom = hanging_over(row, input.height, window.kernel_height, window.stride_height);
    window.pad_right = hanging_over(row, input.width, window.kernel_width, window.stride_width);
    return convolution(input, row.extent("Num Filter"), window, 1);
}

/// The pixels of a product need no order: in rows of up to 64, so that a strip can hold some of them; in one row if no
/// number from 8 on divides them.
Shape rows_of(int channels, int pixels) {
    constexpr int kLongest = 64, kShortest = 8;
    for (int width = std::min(pixels, kLongest); width >= kShortest; --width) {
        if (pixels % width == 0) return {channels, pixels / width, width};
    }
    return {channels, 1, pixels};
}

Operator matrix_product(const Row& row, Shape& input) {
    input = rows_of(row.number("K", kMaxTaps), row.extent("M"));
    return convolution(input, row.extent("N"), {}, 1);
}

Operator plain_convolution(const Row& row, Shape& input) {
    input = {row.number("channels", kMaxTaps), row.extent("height"), row.extent("width")};
    Window window;
    window.kernel_height = row.extent("kernel_height");
    window.kernel_width = row.extent("kernel_width");
    window.stride_height = window.stride_width = row.extent("stride");
    window.dilation_height = window.dilation_width = row.extent("dilation");
    window.pad_top = window.pad_left = window.pad_bottom = window.pad_right = row.number("padding", kMaxExtent, 0);
    const int filters = row.extent("filters");
    const int groups = row.extent("groups");
    if (input.channels % groups != 0 || filters % groups != 0) {
        row.fail(fmt::format("groups of layer '{}' is {} (allowed: a divisor of its {} channels and {} filters)",
                             printable(row.name()), groups, input.channels, filters));
    }
    return convolution(input, filters, window, groups);
}

const std::array<Form, 3>& forms() {
    static const std::array<Form, 3> kForms = {
        Form{"SCALE-Sim's convolutions",
             {{"Layer name"},
              {"IFMAP Height"},
              {"IFMAP Width"},
              {"Filter Height"},
              {"Filter Width"},
              {"Channels"},
              {"Num Filter"},
              {"Strides"}},
             scale_sim_convolution},
        Form{"SCALE-Sim's matrix products", {{"Layer"}, {"M"}, {"N"}, {"K"}}, matrix_product},
        Form{"plain layers",
             {{"name"},
              {"channels"},
              {"height"},
              {"width"},
              {"filters"},
              {"kernel_height", 1},
              {"kernel_width", 1},
              {"stride", 1},
              {"padding", 0},
              {"groups", 1},
              {"dilation", 1}},
             plain_convolution}};
    return kForms;
}

/// Cells between commas, trimmed; a row may end in a comma.
std::vector<std::string> cells_of(std::string_view line) {
    std::vector<std::string> cells = list_parts(line);
    for (std::string& cell : cells) cell = from_list_name(cell);
    if (!cells.empty() && cells.back().empty()) cells.pop_back();
    return cells;
}

std::optional<std::size_t> place_of(std::string_view column, const std::vector<std::string>& header) {
    for (std::size_t i = 0; i < header.size(); ++i) {
        if (plain_name(header[i]) == plain_name(column)) return i;
    }
    return std::nullopt;
}

/// The form whose required columns the header has, each once, and no others; null otherwise.
const Form* form_of(const std::vector<std::string>& header) {
    for (const Form& form : forms()) {
        const bool complete = std::all_of(form.columns.begin(), form.columns.end(), [&](const Column& column) {
            return column.fallback || place_of(column.name, header);
        });
        const bool known = std::all_of(header.begin(), header.end(), [&](const std::string& name) {
            return std::any_of(form.columns.begin(), form.columns.end(),
                               [&](const Column& column) { return plain_name(column.name) == plain_name(name); });
        });
        std::set<std::string> names;
        for (const std::string& name : header) names.insert(plain_name(name));
        if (complete && known && names.size() == header.size()) return &form;
    }
    return nullptr;
}

std::string forms_text() {
    std::string text;
    for (const Form& form : forms()) {
        std::vector<std::string> names;
        for (const Column& column : form.columns)
            names.push_back(column.fallback ? fmt::format("[{}]", column.name) : std::string(column.name));
        text += fmt::format("{}{} ({})", text.empty() ? "" : "; ", form.text, fmt::join(names, ", "));
    }
    return text;
}

class TopologyReader {
public:
    explicit TopologyReader(const std::string& path) : path_(path) {
        network_.path = path;
        network_.name = std::filesystem::path(path).stem().string();
        network_.has_values = false;
        network_.layers_apart = true;
    }

    Network read() {
        const std::string text = read_input_file(path_, kTopologyFile);
        network_.digest = md5_of_bytes(text.data(), text.size());
        std::size_t line = 0;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            std::string_view row(text.data() + at, end - at);
            if (row.ends_with('\r')) row.remove_suffix(1);
            if (++line == 1 && row.starts_with(kByteOrderMark)) row.remove_prefix(kByteOrderMark.size());
            if (row.size() > kLongestRow)
                throw InputError(fmt::format("{}:{}: has {} characters (allowed: up to {} in a row)", path_, line,
                                             row.size(), kLongestRow));
            if (!trimmed(row).empty()) take(row, line);
            at = end + 1;
        }
        if (network_.operators.empty()) throw InputError(fmt::format("{}: has no layer", path_));
        network_.output = network_.operators.back().output;
        return std::move(network_);
    }

private:
    void take(std::string_view text, std::size_t line) {
        const std::vector<std::string> cells = cells_of(text);
        if (form_ == nullptr) {
            form_ = form_of(cells);
            if (form_ == nullptr) {
                throw InputError(fmt::format("{}:{}: the columns '{}' are those of no list of layers (allowed: {})",
                                             path_, line, printable(fmt::format("{}", fmt::join(cells, ", "))),
                                             forms_text()));
            }
            columns_ = cells.size();
            for (const Column& column : form_->columns) places_.push_back(place_of(column.name, cells));
            return;
        }
        const Row row{path_, line, *form_, places_, cells};
        if (cells.size() != columns_)
            row.fail(fmt::format("has {} cells, but the first row names {} columns", cells.size(), columns_));
        if (network_.operators.size() >= kMaxOperators)
            row.fail(fmt::format("is one layer too many (allowed: up to {})", kMaxOperators));
        Shape input;
        add(row, form_->layer(row, input), input);
    }

    void add(const Row& row, Operator&& op, const Shape& input) {
        const Window& window = op.window;
        const Shape output{op.weights.output_channels, window.output_height(input.height),
                           window.output_width(input.width)};
        const std::string name = printable(row.name());
        if (window.span_height() > input.height + window.pad_top + window.pad_bottom ||
            window.span_width() > input.width + window.pad_left + window.pad_right)
            row.fail(fmt::format("the kernel of layer '{}' is larger than its padded map", name));
        if (op.weights.per_channel() > kMaxTaps)
            row.fail(fmt::format("layer '{}' adds {} products to a sum (allowed: up to {})", name,
                                 op.weights.per_channel(), kMaxTaps));
        for (const auto& [what, shape] : {std::pair{"input", input}, std::pair{"output", output}}) {
            if (shape.elements() > kMaxMapValues)
                row.fail(fmt::format("the {} of layer '{}' has {} values (allowed: up to {})", what, name,
                                     shape.elements(), kMaxMapValues));
        }
        op.name = unique(row.name());
        op.input = static_cast<int>(network_.tensors.size());
        network_.tensors.push_back({op.name + "_input", input, {}});
        op.output = static_cast<int>(network_.tensors.size());
        network_.tensors.push_back({op.name + "_output", output, {}});
        network_.operators.push_back(std::move(op));
    }

    /// Configurations tell layers apart without regard to case.
    std::string unique(const std::string& name) {
        const std::string base = name.empty() ? "layer" : name;
        int& suffix = suffixes_[lower_case(base)];
        std::string found = base;
        while (!names_.insert(lower_case(found)).second) found = fmt::format("{}_{}", base, ++suffix + 1);
        return found;
    }

    const std::string& path_;
    Network network_;
    const Form* form_ = nullptr;
    std::vector<std::optional<std::size_t>> places_;
    std::size_t columns_ = 0;
    std::set<std::string> names_;
    std::map<std::string, int> suffixes_;  ///< of names, the last that was given
};

}  // namespace

bool is_topology_path(const std::string& path) { return lower_case(path).ends_with(".csv"); }

Network read_topology(const std::string& path) { return TopologyReader(path).read(); }

Network import_network(const std::string& path, const std::string& output) {
    if (!is_topology_path(path)) return import_onnx(path, output);
    if (!output.empty())
        throw InputError(fmt::format("{}: a list of layers has no output '{}'", path, printable(output)));
    return read_topology(path);
}

}  // namespace widthwise
