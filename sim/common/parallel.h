// SPDX-License-Identifier: Apache-2.0
// Independent pieces of work over some threads. Every thread of the simulator is started here.
#pragma once

#include <cstddef>
#include <functional>

namespace widthwise {

/// Calls body(item, thread) once for each item 0..count-1, thread being 0..threads-1; the calling thread is one of
/// them. Where the machine refuses threads (a limit of processes, no memory for a stack), those that run do all the
/// work. `report`, when given, is called on the calling thread alone, now and then, with how many items were finished
/// since the last call; all of them have been reported in the end. What body or report throws ends the work and is
/// thrown, once no thread runs any more.
void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& report,
                  const std::function<void(std::size_t, int)>& body);

}  // namespace widthwise
