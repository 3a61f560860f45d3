// import.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "client/import.h"
#include "verbs/output.h"
#include "verbs/rejects_file.h"

namespace cairn::client {
namespace {

constexpr uint64_t kShownRefusals = 10;
constexpr size_t kBarWidth = 20;

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
  if (summary.failure) verbs::write_error(json, *summary.failure);
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
  ImportVerb(const verbs::ImportArguments& arguments, Context& context,
             const OpenImportTarget& open_target)
      : arguments_(arguments),
        open_target_(open_target),
        context_(context),
        console_(context.console),
        rejects_(context.files, arguments.rejects),
        line_(console_, !arguments.quiet),
        start_(std::chrono::steady_clock::now()) {}

  VerbResult run() {
    CAIRN_TRY_ASSIGN(const auto inputs, check_inputs());
    CAIRN_TRY_ASSIGN(const auto target, open_target_(arguments_, context_));
    if (keeps_rejects()) CAIRN_TRY(rejects_.open());
    ImportSummary summary = import_messages(target->sink(), inputs, options(target->sink()));
    line_.clear();
    // Nothing submitted: still tell how far the store is.
    if (raw(summary.lsn) == 0) {
      if (const auto lsn = target->lsn(); lsn.ok()) summary.lsn = *lsn;
    }
    auto closed = target->finish();
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
    if (keeps_rejects()) {
      CAIRN_TRY(context_.files.check_writable(verbs::kRejectsOption, arguments_.rejects,
                                              arguments_.store, arguments_.files));
    }
    for (const auto& path : arguments_.files) {
      CAIRN_TRY_ASSIGN(const auto size, verbs::check_readable(path));
      inputs.push_back(
          {path == "-" ? "(stdin)" : path,
           [path](WaitHooks hooks) { return verbs::open_lines(path, std::move(hooks)); }, size});
    }
    return inputs;
  }

  ImportOptions options(const MessageSink& sink) {
    ImportOptions options;
    options.by_time = arguments_.by_time;
    options.actor = arguments_.actor;
    options.keep_text = keeps_rejects() || sink.takes_lines();
    options.find_terms = !sink.takes_lines();
    options.stop = &context_.cancelled;
    options.progress = [this](const ImportProgress& progress) { show(progress); };
    options.on_refusal = [this](const Refusal& refusal) -> Result<void> {
      ++refused_;
      if (keeps_rejects()) return rejects_.add(refusal);
      if (refused_ > kShownRefusals) return {};
      line_.clear();
      console_.note(verbs::printable(verbs::refusal_text(refusal), console_.terminal.utf8));
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
      text = fmt::format("{}  {}",
                         verbs::progress_bar(progress.bytes, *progress.total_bytes, kBarWidth,
                                             console_.terminal.utf8),
                         text);
    }
    line_.update("importing  " + text);
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
    const bool told_to_end =
        summary.interrupted && summary.failure && summary.failure->code == ErrorCode::Closed;
    if (summary.failure && !told_to_end) {
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

  const verbs::ImportArguments& arguments_;
  const OpenImportTarget& open_target_;
  Context& context_;
  Console& console_;
  verbs::RejectsFile rejects_;
  ProgressLine line_;
  std::chrono::steady_clock::time_point start_;
  uint64_t refused_ = 0;
};

class DirectoryTarget final : public ImportTarget {
 public:
  explicit DirectoryTarget(verbs::Writing store) : store_(std::move(store)), sink_(*store_) {}
  MessageSink& sink() override { return sink_; }
  Result<Lsn> lsn() override {
    CAIRN_TRY_ASSIGN(const auto snapshot, store_->snapshot());
    return snapshot->lsn();
  }
  Result<void> finish() override { return store_.finish(); }

 private:
  verbs::Writing store_;
  StoreSink sink_;
};

}  // namespace

Result<std::unique_ptr<ImportTarget>> open_directory_target(const verbs::ImportArguments& arguments,
                                                            Context& context) {
  CAIRN_TRY_ASSIGN(
      auto store, verbs::open_writing(context, arguments.store, {.create = !arguments.must_exist}));
  return std::unique_ptr<ImportTarget>(new DirectoryTarget(std::move(store)));
}

VerbResult run_import(const verbs::ImportArguments& arguments, Context& context,
                      const OpenImportTarget& open_target) {
  context.end_in_order();
  return ImportVerb(arguments, context, open_target).run();
}

VerbResult run_verb(const verbs::ImportArguments& arguments, Context& context) {
  return run_import(arguments, context, open_directory_target);
}

}  // namespace cairn::client
