// demo: a tour of what cairn is, on generated data, in a directory that goes away again.
#include <fmt/format.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <system_error>

#include "base/time_format.h"
#include "client/caller_verbs.h"
#include "client/generated_input.h"
#include "client/importer.h"
#include "verbs/issue_reference.h"
#include "verbs/issue_table.h"

namespace cairn::client {
namespace {

constexpr size_t kBarWidth = 20;

// A directory that is removed with all it holds, unless it is to be kept.
class TourDirectory {
 public:
  // Errors: Io, Conflict (the directory to keep holds something).
  static Result<std::unique_ptr<TourDirectory>> make(const std::string& keep) {
    if (!keep.empty()) {
      std::error_code error;
      if (std::filesystem::exists(keep, error) && !std::filesystem::is_empty(keep, error)) {
        return make_error(ErrorCode::Conflict, keep + " is not empty; name a new directory");
      }
      return std::unique_ptr<TourDirectory>(new TourDirectory(keep, {}));
    }
    std::error_code error;
    const auto base = std::filesystem::temp_directory_path(error);
    std::string path = (error ? std::filesystem::path(".") : base) / "cairn-demo-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
      return make_error(ErrorCode::Io, "cannot make a temporary directory " + path +
                                           "; use --keep DIR or set TMPDIR");
    }
    return std::unique_ptr<TourDirectory>(new TourDirectory(path + "/shop.cairn", path));
  }
  ~TourDirectory() {
    std::error_code ignored;
    if (!remove_.empty()) std::filesystem::remove_all(remove_, ignored);
  }
  TourDirectory(const TourDirectory&) = delete;
  TourDirectory& operator=(const TourDirectory&) = delete;

  const std::string& store() const { return store_; }

 private:
  TourDirectory(std::string store, std::string remove)
      : store_(std::move(store)), remove_(std::move(remove)) {}
  std::string store_;
  std::string remove_;
};

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  std::string text() const { return format_seconds(seconds()); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Several visible issues of one project that share a coarser fingerprint.
struct SplitIssues {
  std::string fingerprint;
  std::vector<GroupId> issues;
};

class Tour {
 public:
  Tour(const verbs::DemoArguments& arguments, Context& context, std::string directory)
      : arguments_(arguments),
        context_(context),
        console_(context.console),
        directory_(std::move(directory)) {
    load_.occurrences = arguments.occurrences;
    load_.seed = arguments.seed;
    now_ = TimeUs{load_.end_time_s * kMicrosPerSecond};
  }

  Result<ExitCode> run() {
    say("This is cairn, a store for the errors of programs. Occurrences come in and are\n"
        "grouped into issues; issues can be searched, merged and taken apart again.\n"
        "The tour makes up a month of a small company's errors; no input is needed.");
    using Step = Result<void> (Tour::*)();
    const Step steps[] = {&Tour::import_all, &Tour::list_issues, &Tour::search, &Tour::find_split,
                          &Tour::merge,      &Tour::unmerge,     &Tour::rebuild};
    for (const Step step : steps) {
      if (context_.cancelled) return ExitCode::Interrupted;
      CAIRN_TRY((this->*step)());
      CAIRN_TRY(console_.out.flush());
    }
    finish();
    return ExitCode::Ok;
  }

 private:
  void say(std::string_view text) { console_.out.line(text); }
  void title(std::string_view text) {
    console_.out.line("");
    console_.out.line(styled(console_.terminal, Style::Bold, fmt::format("{}. {}", ++step_, text)));
  }
  void command(std::string_view text) {
    console_.out.line(styled(console_.terminal, Style::Cyan, fmt::format("$ cairn {}", text)));
    (void)console_.out.flush();
  }
  void timing(std::string_view text) {
    console_.out.line(styled(console_.terminal, Style::Dim, fmt::format("-> {}", text)));
  }

  Result<query::SearchPage> show_issues(std::string_view query, uint32_t limit,
                                        std::optional<query::Sort> sort);
  Result<void> import_all();
  Result<void> list_issues();
  Result<void> search();
  Result<void> find_split();
  Result<void> merge();
  Result<void> unmerge();
  Result<void> rebuild();
  Result<void> report_size();
  void finish();
  Result<std::optional<SplitIssues>> split_by(const engine::Snapshot& snapshot,
                                              const std::string& fingerprint) const;

  const verbs::DemoArguments& arguments_;
  Context& context_;
  Console& console_;
  std::string directory_;
  GenerateOptions load_;
  TimeUs now_{};
  int step_ = 0;
  std::unique_ptr<engine::Store> store_;
  engine::Digests before_merge_;
  SplitIssues split_;
};

// The time of the generated data's end stands for now, so that the tour is the same every day.
Result<query::SearchPage> Tour::show_issues(std::string_view query, uint32_t limit,
                                            std::optional<query::Sort> sort) {
  CAIRN_TRY_ASSIGN(const auto snapshot, store_->snapshot());
  query::SearchOptions options;
  options.now = now_;
  options.limit = limit;
  options.sort = sort;
  const Stopwatch watch;
  CAIRN_TRY_ASSIGN(auto page, search_with_trend(*snapshot, query, console_.terminal, options));
  const std::string took = watch.text();
  console_.out.write(issue_table(snapshot->state(), page, options, console_.terminal));
  timing(fmt::format("{} of {} issues, exact counts, in {}", page.issues.size(),
                     format_count(page.total), took));
  return page;
}

Result<void> Tour::import_all() {
  title("Import");
  say("A line of JSON is one occurrence. Each is checked, written to an append-only log\n"
      "and indexed; what is acknowledged survives a crash.");
  command(fmt::format("generate --occurrences {} --seed {} | cairn import shop.cairn -",
                      arguments_.occurrences, arguments_.seed));
  CAIRN_TRY_ASSIGN(store_, engine::Store::open(directory_, {}));
  StoreSink sink(*store_);
  ProgressLine line(console_);
  const Stopwatch watch;
  ImportOptions options;
  options.stop = &context_.cancelled;
  options.progress = [&](const ImportProgress& progress) {
    if (!line.due()) return;
    const double rate = static_cast<double>(progress.lines) / watch.seconds();
    line.update(fmt::format("importing  {}  {} lines  {}/s",
                            verbs::progress_bar(progress.lines, arguments_.occurrences, kBarWidth,
                                                console_.terminal.utf8),
                            format_count(progress.lines),
                            format_count(static_cast<uint64_t>(rate))));
  };
  const ImportSummary summary = import_messages(sink, {generated_input(load_)}, options);
  line.clear();
  if (summary.failure) return *summary.failure;
  const double seconds = watch.seconds();
  CAIRN_TRY(store_->checkpoint());
  CAIRN_TRY_ASSIGN(const engine::Stats stats, store_->stats());
  timing(fmt::format(
      "{} occurrences made up, stored and durable in {} ({}/s)", format_count(summary.stored),
      format_seconds(seconds),
      format_count(static_cast<uint64_t>(static_cast<double>(summary.stored) / seconds))));
  timing(fmt::format("{} issues in {} projects", format_count(stats.issues), stats.projects));
  return {};
}

Result<void> Tour::list_issues() {
  title("The issue list");
  say("The most frequent issues. The bar is the last days, one step a day.");
  command("query shop.cairn is:unresolved --sort freq --limit 10");
  CAIRN_TRY_ASSIGN(const auto page, show_issues("is:unresolved", 10, query::Sort::Freq));
  (void)page;
  return {};
}

Result<void> Tour::search() {
  title("Search");
  say("Fields, lists, negation, OR, times and free text. EVENTS counts what matches, not\n"
      "the whole issue.");
  const std::string text = "level:error !os:macOS age:-14d timeout";
  command(fmt::format("query shop.cairn '{}' --limit 5", text));
  CAIRN_TRY_ASSIGN(const auto page, show_issues(text, 5, std::nullopt));
  (void)page;
  return {};
}

Result<std::optional<SplitIssues>> Tour::split_by(const engine::Snapshot& snapshot,
                                                  const std::string& fingerprint) const {
  constexpr size_t kFewest = 3;
  constexpr size_t kMost = 8;  // more would not fit the screen
  CAIRN_TRY_ASSIGN(const auto issues, verbs::find_issues(snapshot, "fingerprint:" + fingerprint));
  if (issues.size() < kFewest || issues.size() > kMost) return std::optional<SplitIssues>();
  const auto project = snapshot.state().group(issues.front()).project;
  for (const GroupId id : issues) {
    if (snapshot.state().group(id).project != project) return std::optional<SplitIssues>();
  }
  return std::optional<SplitIssues>(SplitIssues{fingerprint, issues});
}

Result<void> Tour::find_split() {
  title("Issues that are one problem");
  say("An occurrence lists fingerprints, finest first. The finest decides its issue, the\n"
      "coarser ones are indexed too: issues that share one are often the same problem,\n"
      "split by a line number or a changed word.");
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store_->snapshot());
    query::SearchOptions options;
    options.now = now_;
    CAIRN_TRY_ASSIGN(const auto table, snapshot->aggregate("| top 200 fingerprint", options));
    for (const auto& row : table.rows) {
      for (const auto& cell : row) {
        const auto* fingerprint = std::get_if<std::string>(&cell.value);
        if (fingerprint == nullptr || !split_.issues.empty()) continue;
        CAIRN_TRY_ASSIGN(auto split, split_by(*snapshot, *fingerprint));
        if (split) split_ = std::move(*split);
      }
    }
  }
  if (split_.issues.empty()) {
    return make_error(ErrorCode::NotFound,
                      "the generated data has no issues that share a coarse fingerprint; try "
                      "another --seed or more --occurrences");
  }
  command(fmt::format("query shop.cairn fingerprint:{}", split_.fingerprint));
  CAIRN_TRY_ASSIGN(const auto page, show_issues("fingerprint:" + split_.fingerprint, 10, {}));
  (void)page;
  return {};
}

Result<void> Tour::merge() {
  title("Merge");
  say("A merge is a view: one small record says which issues are shown as one. No event\n"
      "is touched, however many there are. The same search now finds one issue.");
  CAIRN_TRY_ASSIGN(before_merge_, store_->digests());
  const model::MergeCommand merge{split_.issues.front(),
                                  {split_.issues.begin() + 1, split_.issues.end()}};
  command(fmt::format("merge shop.cairn fingerprint:{}", split_.fingerprint));
  const Stopwatch watch;
  CAIRN_TRY_ASSIGN(const auto result, store_->execute(merge, {"demo", ""}));
  timing(fmt::format("{} issues shown as one, durable as record {}, in {}", split_.issues.size(),
                     raw(result.lsn), watch.text()));
  command(fmt::format("query shop.cairn fingerprint:{}", split_.fingerprint));
  CAIRN_TRY_ASSIGN(const auto page, show_issues("fingerprint:" + split_.fingerprint, 10, {}));
  (void)page;
  return {};
}

Result<void> Tour::unmerge() {
  title("Unmerge");
  say("Taking it back gives exactly what was there: every issue with its own title,\n"
      "counts, status and history. A digest over the whole state proves it.");
  std::string primary;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store_->snapshot());
    primary = snapshot->state().short_id(split_.issues.front());
  }
  command(fmt::format("unmerge shop.cairn {}", primary));
  const Stopwatch watch;
  CAIRN_TRY_ASSIGN(const auto result,
                   store_->execute(model::UnmergeCommand{split_.issues.front(), {}}, {"demo", ""}));
  timing(fmt::format("taken apart as record {} in {}", raw(result.lsn), watch.text()));
  CAIRN_TRY_ASSIGN(const engine::Digests after, store_->digests());
  say(fmt::format("   before the merge   {}", before_merge_.state.hex()));
  say(fmt::format("   after the unmerge  {}  {}", after.state.hex(),
                  after.state == before_merge_.state ? "equal" : "DIFFERENT"));
  if (after.state == before_merge_.state) return {};
  return make_error(ErrorCode::Internal, "the state after unmerge differs from before the merge");
}

Result<void> Tour::rebuild() {
  title("The log is the truth");
  say("The index is made from the log alone. Throw it away, fold the log again, and the\n"
      "state is the same.");
  CAIRN_TRY_ASSIGN(const engine::Digests before, store_->digests());
  CAIRN_TRY(store_->close());
  store_.reset();
  command("rebuild shop.cairn");
  ProgressLine line(console_);
  const Stopwatch watch;
  CAIRN_TRY_ASSIGN(
      const auto report,
      engine::Store::rebuild(directory_, {}, progress_callback(line, console_, "rebuilding")));
  line.clear();
  const double seconds = watch.seconds();
  timing(fmt::format(
      "{} records folded in {} ({}/s)", format_count(report.records), format_seconds(seconds),
      format_count(static_cast<uint64_t>(static_cast<double>(report.records) / seconds))));
  const bool equal = before.state == report.digests.state && before.full == report.digests.full;
  say(fmt::format("   before  {}", before.full.hex()));
  say(fmt::format("   after   {}  {}", report.digests.full.hex(), equal ? "equal" : "DIFFERENT"));
  if (equal) return report_size();
  return make_error(ErrorCode::Internal, "the rebuilt state differs from the one before");
}

Result<void> Tour::report_size() {
  engine::StoreOptions options;
  options.read_only = true;
  CAIRN_TRY_ASSIGN(const auto store, engine::Store::open(directory_, options));
  CAIRN_TRY_ASSIGN(const engine::Stats stats, store->stats());
  const auto count = static_cast<double>(std::max<uint64_t>(stats.occurrences, 1));
  timing(fmt::format("on disk: log {} ({:.0f} B per occurrence), index {} ({:.0f} B)",
                     format_bytes(stats.log_bytes), static_cast<double>(stats.log_bytes) / count,
                     format_bytes(stats.index_bytes),
                     static_cast<double>(stats.index_bytes) / count));
  return {};
}

void Tour::finish() {
  console_.out.line("");
  if (arguments_.keep.empty()) {
    say("That was the tour. `cairn demo --keep DIR` leaves the store to play with, `cairn\n"
        "help` lists all verbs, your own data goes in with `cairn import STORE FILE...`.");
    return;
  }
  say(
      fmt::format("That was the tour. The store is in {}. Its present is {}:\n"
                  "  cairn query {} is:unresolved --now {}",
                  arguments_.keep, format_time(now_), arguments_.keep, format_time(now_)));
}

}  // namespace

VerbResult run_verb(const verbs::DemoArguments& arguments, Context& context) {
  context.end_in_order();
  Console& console = context.console;
  if (console.json) {
    return make_error(ErrorCode::Unsupported, "demo speaks to people; it has no --json");
  }
  CAIRN_TRY_ASSIGN(const auto directory, TourDirectory::make(arguments.keep));
  return Tour(arguments, context, directory->store()).run();
}

}  // namespace cairn::client
