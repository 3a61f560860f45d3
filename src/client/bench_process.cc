#include "client/bench_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace cairn::client {
namespace {

// Lines of the pipe: a letter, then fields between tabs.
constexpr char kMeasure = 'm';
constexpr char kSay = 's';
constexpr char kProgress = 'p';
constexpr char kText = 't';
constexpr char kFailed = 'f';
constexpr char kDone = 'd';

constexpr int kSampleMs = 10;

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> fields;
  for (;;) {
    const size_t tab = text.find('\t');
    fields.push_back(text.substr(0, tab));
    if (tab == std::string_view::npos) return fields;
    text.remove_prefix(tab + 1);
  }
}

template <class Number>
Number number(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

uint64_t anonymous_bytes(pid_t process) {
  std::ifstream status(fmt::format("/proc/{}/status", process));
  std::string word;
  while (status >> word) {
    if (word != "RssAnon:") continue;
    uint64_t kib = 0;
    status >> kib;
    return kib * 1024;
  }
  return 0;
}

[[noreturn]] void run_child(const PhaseWork& work, int fd) {
  ::signal(SIGINT, SIG_IGN);  // the parent decides
#ifdef __linux__
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  PhaseOutput output(fd);
  output.end(work(output));
  ::_exit(0);
}

// The parent's end: takes in lines until the child is gone.
class Watcher {
 public:
  Watcher(pid_t child, int fd, const PhaseWatch& watch) : child_(child), fd_(fd), watch_(watch) {}

  Result<PhaseReport> wait() {
    for (bool open = true; open;) {
      pollfd waiting{fd_, POLLIN, 0};
      const int ready = ::poll(&waiting, 1, kSampleMs);
      report_.peak_anonymous_bytes =
          std::max(report_.peak_anonymous_bytes, anonymous_bytes(child_));
      if (ready > 0) open = read_some();
      if (watch_.stop != nullptr && watch_.stop->load()) stop();
      if (watch_.kill_at && report_.progress >= *watch_.kill_at && !report_.killed) {
        report_.killed = true;
        ::kill(child_, SIGKILL);
      }
    }
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    if (stopped_) return make_error(ErrorCode::Closed, "the benchmark was interrupted");
    if (failure_) return *failure_;
    if (!done_ && !report_.killed) {
      return make_error(ErrorCode::Internal,
                        WIFSIGNALED(status)
                            ? fmt::format("a benchmark phase died of signal {}", WTERMSIG(status))
                            : std::string("a benchmark phase ended without a result"));
    }
    return std::move(report_);
  }

 private:
  // False at the end of the stream.
  bool read_some() {
    std::array<char, 4096> block;
    const ssize_t count = ::read(fd_, block.data(), block.size());
    if (count < 0) return errno == EINTR;
    if (count == 0) return false;
    text_.append(block.data(), static_cast<size_t>(count));
    size_t begin = 0;
    for (size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n', begin)) {
      take(std::string_view(text_).substr(begin, end - begin));
      begin = end + 1;
    }
    text_.erase(0, begin);
    return true;
  }

  void take(std::string_view line) {
    const std::string_view rest = line.substr(1);
    const auto fields = split(rest);
    switch (line.front()) {
      case kMeasure: {
        Measure measure{std::string(fields[0]), std::string(fields[1]), {}};
        for (size_t i = 2; i < fields.size(); ++i) {
          measure.values.push_back(number<double>(fields[i]));
        }
        report_.measures.push_back(std::move(measure));
        break;
      }
      case kSay:
        if (watch_.say) watch_.say(std::string(rest));
        break;
      case kProgress:
        report_.progress = number<uint64_t>(rest);
        break;
      case kText:
        report_.texts.emplace_back(rest);
        break;
      case kFailed:
        failure_ = make_error(ErrorCode{number<uint8_t>(fields[0])}, std::string(fields[1]));
        break;
      default:
        done_ = true;
    }
  }

  void stop() {
    stopped_ = true;
    ::kill(child_, SIGKILL);
  }

  pid_t child_;
  int fd_;
  const PhaseWatch& watch_;
  PhaseReport report_;
  std::string text_;
  std::optional<Error> failure_;
  bool done_ = false;
  bool stopped_ = false;
};

}  // namespace

void PhaseOutput::line(char kind, std::string_view rest) {
  std::string text(1, kind);
  text += rest;
  std::replace(text.begin(), text.end(), '\n', ' ');
  text.push_back('\n');
  for (std::string_view left = text; !left.empty();) {
    const ssize_t count = ::write(fd_, left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;  // nobody listens any more
    left.remove_prefix(static_cast<size_t>(count));
  }
}

void PhaseOutput::add(const Measure& measure) {
  line(kMeasure,
       fmt::format("{}\t{}\t{}", measure.name, measure.unit, fmt::join(measure.values, "\t")));
}
void PhaseOutput::add(std::string name, std::string unit, double value) {
  add(Measure{std::move(name), std::move(unit), {value}});
}
void PhaseOutput::say(std::string_view text) { line(kSay, text); }
void PhaseOutput::progress(uint64_t occurrences) { line(kProgress, std::to_string(occurrences)); }
void PhaseOutput::text(std::string_view text) { line(kText, text); }
void PhaseOutput::end(const Result<void>& result) {
  if (result) return line(kDone, "");
  std::string message = result.error().message;
  std::replace(message.begin(), message.end(), '\t', ' ');
  line(kFailed, fmt::format("{}\t{}", static_cast<int>(result.error().code), message));
}

Result<PhaseReport> run_phase(const PhaseWork& work, const PhaseWatch& watch) {
  int ends[2];
  if (::pipe(ends) != 0) {
    return make_error(ErrorCode::Io, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    run_child(work, ends[1]);
  }
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    return make_error(ErrorCode::Io,
                      fmt::format("cannot make a process: {}", std::strerror(errno)));
  }
  auto report = Watcher(child, ends[0], watch).wait();
  ::close(ends[0]);
  return report;
}

}  // namespace cairn::client
