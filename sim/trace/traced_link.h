// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace widthwise {

/// A link between units, as a trace of links shows it (trace/link_trace.h).
class TracedLink {
public:
    TracedLink() = default;
    TracedLink(const TracedLink&) = delete;
    TracedLink& operator=(const TracedLink&) = delete;
    virtual ~TracedLink() = default;

    /// Of the two units that it joins: "line_buffer2pe_array".
    [[nodiscard]] virtual const std::string& traced_name() const = 0;
    [[nodiscard]] virtual bool is_valid() const = 0;
    [[nodiscard]] virtual bool is_ready() const = 0;
    /// All of the payload, on one line.
    [[nodiscard]] virtual std::string data_text() const = 0;
};

}  // namespace widthwise
