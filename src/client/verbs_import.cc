// import.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "client/dead_letter.h"
#include "client/importer.h"
#include "client/output.h"
#include "client/store_access.h"
#include "client/table.h"
#include "client/verbs.h"

namespace cairn::client {
namespace {

constexpr uint64_t kShownRefusals = 10;
constexpr size_t kBarWidth = 20;

// Whether two paths lead to one existing file, whatever they are called.
bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::equivalent(a, b, error) && !error;
}

// Whether `path` would lie in `directory` or below it.
bool lies_in(const std::string& path, const std::string& directory) {
  std::error_code error;
  const auto inner = std::filesystem::weakly_canonical(path, error);
  if (error) return false;
  const auto outer = std::filesystem::weakly_canonical(directory, error);
  if (error) return false;
  const auto ends = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return ends.first == outer.end();
}

// The file of refused lines, added to if it exists: they may be nowhere else. Opened before the
// first line is read: a path that cannot be written is told at once.
class RejectsFile {
 public:
  explicit RejectsFile(std::string path) : path_(std::move(path)) {}
  ~RejectsFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  RejectsFile(const RejectsFile&) = delete;
  RejectsFile& operator=(const RejectsFile&) = delete;

  Result<void> open() {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd_ < 0) return failed("cannot open", errno);
    output_ = std::make_unique<Output>(fd_, "--rejects " + path_);
    return {};
  }
  Result<void> add(const Refusal& refusal) {
    output_->line(rejected_line(refusal));
    return output_->closed() ? output_->flush() : Result<void>();
  }
  // Durable: the lines are nowhere else in the store.
  Result<void> finish() {
    CAIRN_TRY(output_->flush());
    if (::fsync(fd_) != 0 && errno != EINVAL) return failed("cannot sync", errno);
    return {};
  }

 private:
  Error failed(const char* what, int code) const {
    return make_error(ErrorCode::Io,
                      fmt::format("--rejects {}: {}: {}", path_, what, std::strerror(code)));
  }

  std::string path_;
  int fd_ = -1;
  std::unique_ptr<Output> output_;
};

std::string refusal_text(const Refusal& refusal) {
  std::string place = fmt::format("{}:{}", refusal.file, refusal.line);
  if (refusal.error.position) place += fmt::format(":{}", *refusal.error.position + 1);
  return fmt::format("{}: refused: {}", place, refusal.error.message);
}

std::string summary_json(const ImportSummary& summary, double seconds) {
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(summary.lsn));
  json.key("lines").unsigned_integer(summary.lines);
  json.key("stored").unsigned_integer(summary.stored);
  json.key("duplicates").unsigned_integer(summary.duplicates);
  json.key("no_change").unsigned_integer(summary.no_change);
  json.key("references").unsigned_integer(summary.references);
  json.key("refused").unsigned_integer(summary.refused);
  json.key("reasons").begin_object();
  for (const auto& [reason, count] : summary.reasons) json.key(reason).unsigned_integer(count);
  json.end_object();
  json.key("seconds").number(seconds);
  json.key("interrupted").boolean(summary.interrupted);
  if (summary.failure) write_error(json, *summary.failure);
  return json.end_object().take();
}

std::string counted(uint64_t count, std::string_view what) {
  return count == 0 ? std::string() : fmt::format(", {} {}", format_count(count), what);
}

std::string summary_text(const ImportSummary& summary, double seconds) {
  std::string out = fmt::format("{} line{}: {} stored", format_count(summary.lines),
                                summary.lines == 1 ? "" : "s", format_count(summary.stored));
  out += counted(summary.duplicates, "known already");
  out += counted(summary.no_change, "without change");
  out += counted(summary.references, "naming a known occurrence");
  out += counted(summary.refused, "refused");
  const double rate = seconds > 0 ? static_cast<double>(summary.lines) / seconds : 0;
  return out + fmt::format(" ({}, {} lines/s)", format_seconds(seconds),
                           format_count(static_cast<uint64_t>(rate)));
}

void print_reasons(const ImportSummary& summary, const Console& console) {
  if (summary.refused <= kShownRefusals) return;
  console.note("refused lines by reason:");
  for (const auto& [reason, count] : summary.reasons) {
    console.note(fmt::format("{:>10}  {}", format_count(count), reason));
  }
}

class ImportVerb {
 public:
  ImportVerb(const ImportArguments& arguments, Console& console)
      : arguments_(arguments),
        console_(console),
        rejects_(arguments.rejects),
        line_(console.terminal.err && !arguments.quiet),
        start_(std::chrono::steady_clock::now()) {}

  VerbResult run() {
    CAIRN_TRY_ASSIGN(const auto inputs, check_inputs());
    CAIRN_TRY_ASSIGN(const auto store,
                     open_writing(arguments_.store, !arguments_.must_exist, console_));
    if (keeps_rejects()) CAIRN_TRY(rejects_.open());
    StoreSink sink(*store);
    ImportSummary summary = import_messages(sink, inputs, options());
    line_.clear();
    // Nothing submitted: still tell how far the store is.
    if (raw(summary.lsn) == 0) {
      if (const auto snapshot = store->snapshot(); snapshot) summary.lsn = (*snapshot)->lsn();
    }
    auto closed = store->close();
    if (!closed && !summary.failure) summary.failure = closed.error();
    if (keeps_rejects()) {
      auto finished = rejects_.finish();
      if (!finished && !summary.failure) summary.failure = finished.error();
    }
    return report(summary);
  }

 private:
  bool keeps_rejects() const { return !arguments_.rejects.empty(); }

  // All files are looked at before the first is imported.
  Result<std::vector<ImportInput>> check_inputs() const {
    std::vector<ImportInput> inputs;
    if (keeps_rejects() && lies_in(arguments_.rejects, arguments_.store)) {
      return make_error(ErrorCode::InvalidArgument,
                        "--rejects " + arguments_.rejects +
                            ": lies in the store, whose files are its own; name another place");
    }
    for (const auto& path : arguments_.files) {
      CAIRN_TRY_ASSIGN(const auto size, check_readable(path));
      if (path != "-" && keeps_rejects() && same_file(path, arguments_.rejects)) {
        return make_error(ErrorCode::InvalidArgument,
                          path + ": is read, and --rejects would write to it; name another");
      }
      inputs.push_back({path == "-" ? "(stdin)" : path,
                        [path](WaitHooks hooks) { return open_lines(path, std::move(hooks)); },
                        size});
    }
    return inputs;
  }

  ImportOptions options() {
    ImportOptions options;
    options.by_time = arguments_.by_time;
    options.actor = arguments_.actor;
    options.keep_text = keeps_rejects();
    options.stop = &interrupt_wanted;
    options.progress = [this](const ImportProgress& progress) { show(progress); };
    options.on_refusal = [this](const Refusal& refusal) -> Result<void> {
      ++refused_;
      if (keeps_rejects()) return rejects_.add(refusal);
      if (refused_ > kShownRefusals) return {};
      line_.clear();
      console_.note(printable(refusal_text(refusal), console_.terminal.utf8));
      return {};
    };
    return options;
  }

  void show(const ImportProgress& progress) {
    if (!line_.due()) return;
    const double rate = static_cast<double>(progress.lines) / std::max(seconds(), 1e-3);
    std::string text = fmt::format("{} lines  {}/s", format_count(progress.lines),
                                   format_count(static_cast<uint64_t>(rate)));
    if (progress.total_bytes) {
      text = fmt::format(
          "{}  {}",
          progress_bar(progress.bytes, *progress.total_bytes, kBarWidth, console_.terminal.utf8),
          text);
    }
    line_.update("importing  " + text, console_.terminal.width);
  }

  VerbResult report(const ImportSummary& summary) {
    if (console_.json) console_.out.line(summary_json(summary, seconds()));
    if (!arguments_.quiet || summary.failure || summary.interrupted) {
      if (!console_.json) console_.out.line(summary_text(summary, seconds()));
      if (!keeps_rejects()) print_reasons(summary, console_);
    }
    if (keeps_rejects() && summary.refused > 0) {
      console_.note(fmt::format("refused lines are in {}; mend the reason and import it again",
                                arguments_.rejects));
    }
    if (summary.failure) {
      console_.note(fmt::format("cairn: {}", summary.failure->message));
      note_durable(summary);
      return ExitCode::Failed;
    }
    if (summary.interrupted) {
      console_.note("cairn: interrupted");
      note_durable(summary);
      return ExitCode::Interrupted;
    }
    return summary.refused > 0 ? ExitCode::SomeRefused : ExitCode::Ok;
  }

  void note_durable(const ImportSummary& summary) const {
    console_.note(
        fmt::format("cairn: {} lines were read, {} of them stored and durable (up to LSN {}); the "
                    "same command goes on from there (known occurrences are skipped)",
                    format_count(summary.lines), format_count(summary.stored), raw(summary.lsn)));
  }

  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  const ImportArguments& arguments_;
  Console& console_;
  RejectsFile rejects_;
  ProgressLine line_;
  std::chrono::steady_clock::time_point start_;
  uint64_t refused_ = 0;
};

}  // namespace

VerbResult run_verb(const ImportArguments& arguments, Console& console) {
  return ImportVerb(arguments, console).run();
}

}  // namespace cairn::client
