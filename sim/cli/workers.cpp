// SPDX-License-Identifier: Apache-2.0
#include "cli/workers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "common/error.h"
#include "common/failure.h"

namespace widthwise {
namespace {

enum class MessageKind : std::uint64_t { progress, answer, input_error, other_error };

struct MessageHeader {
    MessageKind kind = MessageKind::progress;
    std::uint64_t size = 0;  ///< bytes that follow; of progress, the count itself
};

void send(int file, const void* data, std::size_t size) {
    const auto* bytes = static_cast<const char*>(data);
    while (size > 0) {
        const ssize_t written = write(file, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) _exit(1);  // the parent is gone
        bytes += written;
        size -= static_cast<std::size_t>(written);
    }
}

void send_message(int file, MessageKind kind, const std::string& bytes) {
    const MessageHeader header{kind, bytes.size()};
    send(file, &header, sizeof header);
    send(file, bytes.data(), bytes.size());
}

[[noreturn]] void work_and_exit(const Work& work, int file, int parent) {
    leave_signals_to_parent(parent);
    dup2(STDERR_FILENO, STDOUT_FILENO);  // standard output belongs to the parent's results
    try {
        send_message(file, MessageKind::answer, work(WorkerChannel(file)));
    } catch (const InputError& error) {
        send_message(file, MessageKind::input_error, error.what());
    } catch (const std::exception& error) {
        send_message(file, MessageKind::other_error, failure_text(error));
    } catch (...) {
        send_message(file, MessageKind::other_error, "unknown exception");
    }
    std::fflush(nullptr);
    _exit(0);  // no destructors of what the parent owns: its output folders
}

/// The machine has no further process, or no file to talk to it.
struct NoWorker {
    int error = 0;
};

/// The parent's side of one worker.
class Worker {
public:
    /// Throws NoWorker.
    Worker(std::size_t number, const Work& work) : number_(number) {
        int ends[2] = {};
        if (pipe2(ends, O_CLOEXEC) != 0) throw NoWorker{errno};
        std::fflush(nullptr);  // or the child would print what is buffered a second time
        const int parent = getpid();
        process_ = fork();
        if (process_ == 0) {
            close(ends[0]);
            work_and_exit(work, ends[1], parent);
        }
        const int error = errno;
        close(ends[1]);
        file_ = ends[0];
        if (process_ < 0) {
            close(file_);
            throw NoWorker{error};
        }
    }
    ~Worker() {
        if (file_ >= 0) close(file_);
        if (process_ > 0) {
            kill(process_, SIGKILL);
            wait();
        }
    }
    Worker(Worker&& other) noexcept
        : number_(other.number_),
          process_(std::exchange(other.process_, -1)),
          file_(std::exchange(other.file_, -1)),
          received_(std::move(other.received_)),
          answered_(other.answered_) {}
    Worker& operator=(Worker&& other) noexcept {
        std::swap(number_, other.number_);
        std::swap(process_, other.process_);
        std::swap(file_, other.file_);
        received_.swap(other.received_);
        std::swap(answered_, other.answered_);
        return *this;
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    [[nodiscard]] int file() const { return file_; }
    [[nodiscard]] std::size_t number() const { return number_; }

    /// Reads what there is; false at the end. Throws what the worker threw.
    bool receive(std::string& answer, const std::function<void(std::uint64_t)>& on_progress) {
        char bytes[65536];
        const ssize_t count = read(file_, bytes, sizeof bytes);
        if (count < 0 && errno == EINTR) return true;
        if (count <= 0) {
            end();
            return false;
        }
        received_.append(bytes, static_cast<std::size_t>(count));
        while (take_message(answer, on_progress)) {
        }
        return true;
    }

private:
    bool take_message(std::string& answer, const std::function<void(std::uint64_t)>& on_progress) {
        MessageHeader header;
        if (received_.size() < sizeof header) return false;
        std::memcpy(&header, received_.data(), sizeof header);
        if (header.kind == MessageKind::progress) {
            received_.erase(0, sizeof header);
            on_progress(header.size);
            return true;
        }
        if (received_.size() < sizeof header + header.size) return false;
        std::string text = received_.substr(sizeof header, header.size);
        received_.erase(0, sizeof header + header.size);
        if (header.kind == MessageKind::input_error) throw InputError(text);
        if (header.kind == MessageKind::other_error) throw SimulationError(text);
        answer = std::move(text);
        answered_ = true;
        return true;
    }

    void end() {
        const int status = wait();
        if (answered_) return;
        throw SimulationError(WIFSIGNALED(status)
                                  ? fmt::format("a worker process was ended by signal {} ({})", WTERMSIG(status),
                                                strsignal(WTERMSIG(status)))
                                  : fmt::format("a worker process ended early with status {}", WEXITSTATUS(status)));
    }

    int wait() {
        int status = 0;
        while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
        }
        process_ = -1;
        return status;
    }

    std::size_t number_;
    pid_t process_ = -1;
    int file_ = -1;
    std::string received_;
    bool answered_ = false;
};

}  // namespace

void WorkerChannel::progress(std::uint64_t count) const {
    const MessageHeader header{MessageKind::progress, count};
    send(file_, &header, sizeof header);
}

std::vector<std::string> run_workers(const std::vector<Work>& work, int jobs, const InterruptGuard& guard,
                                     const std::function<void(std::uint64_t)>& on_progress) {
    std::vector<std::string> answers(work.size());
    std::vector<Worker> running;
    std::size_t next = 0;
    while (next < work.size() || !running.empty()) {
        InterruptGuard::check();
        while (next < work.size() && running.size() < static_cast<std::size_t>(jobs)) {
            try {
                running.emplace_back(next, work[next]);
            } catch (const NoWorker& reason) {
                if (!running.empty()) {  // these will have to do
                    jobs = static_cast<int>(running.size());
                    break;
                }
                throw SimulationError(fmt::format("cannot start a worker process: {}", std::strerror(reason.error)));
            }
            ++next;
        }
        std::vector<pollfd> files;
        files.reserve(running.size());
        for (const Worker& worker : running) files.push_back({worker.file(), POLLIN, 0});
        if (ppoll(files.data(), files.size(), nullptr, &guard.waiting_mask()) < 0) {
            if (errno == EINTR) continue;
            throw SimulationError(fmt::format("cannot wait for workers: {}", std::strerror(errno)));
        }
        for (std::size_t i = files.size(); i-- > 0;) {
            if (files[i].revents == 0) continue;
            Worker& worker = running[i];
            if (!worker.receive(answers[worker.number()], on_progress)) {
                running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
    }
    return answers;
}

int available_processors() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return std::max(1, CPU_COUNT(&set));
}

}  // namespace widthwise
