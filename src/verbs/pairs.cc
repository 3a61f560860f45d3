// merge --pairs: many merges in one go.
#include <fmt/format.h>

#include <chrono>

#include "model/short_id.h"
#include "verbs/context.h"
#include "verbs/issue_reference.h"
#include "verbs/line_source.h"
#include "verbs/merge_plan.h"
#include "verbs/output.h"
#include "verbs/pair_reader.h"
#include "verbs/rejects_file.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

// Lines that become durable together, so that one fdatasync serves them; bounds memory too.
constexpr size_t kBatchLines = 1u << 16;
constexpr uint64_t kShownRefusals = 10;

struct Counts {
  Lsn lsn{};
  uint64_t lines = 0;      // with content, no header: the sum of the next three
  uint64_t merged = 0;     // issues that went under another one
  uint64_t no_change = 0;  // were shown as one already
  uint64_t refused = 0;
  uint64_t records = 0;
  bool interrupted = false;
};

// A line as it was read: a pair, or what is wrong with it.
struct Entry {
  uint64_t line = 0;
  Pair pair;
  std::optional<Error> error;
  bool too_long = false;
  std::string text;  // of a line that is no pair
};

class PairsVerb {
 public:
  PairsVerb(const MergePairsArguments& arguments, Context& context)
      : arguments_(arguments),
        context_(context),
        console_(context.console),
        columns_{arguments.child_column, arguments.primary_column, arguments.columns_named},
        reader_(columns_),
        rejects_(context.files, arguments.rejects),
        line_(console_),
        start_(std::chrono::steady_clock::now()) {}

  VerbResult run() {
    CAIRN_TRY(context_.files.check_readable(arguments_.pairs));
    if (keeps_rejects()) {
      CAIRN_TRY(context_.files.check_writable(kRejectsOption, arguments_.rejects, arguments_.store,
                                              {arguments_.pairs}));
    }
    CAIRN_TRY_ASSIGN(auto writing, open_writing(context_, arguments_.store));
    store_ = &*writing;
    if (keeps_rejects()) CAIRN_TRY(rejects_.open());
    auto merged = merge_all();
    line_.clear();
    auto closed = writing.finish();
    if (keeps_rejects()) {
      auto finished = rejects_.finish();
      if (closed.ok()) closed = std::move(finished);
    }
    if (!merged.ok() || !closed.ok()) {
      note_done();
      return merged.ok() ? closed.error() : merged.error();
    }
    return report();
  }

 private:
  bool keeps_rejects() const { return !arguments_.rejects.empty(); }
  std::string input_name() const { return arguments_.pairs == "-" ? "(stdin)" : arguments_.pairs; }
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  Result<void> merge_all() {
    CAIRN_TRY_ASSIGN(const auto lines,
                     open_lines(context_.files, arguments_.pairs, {&context_.cancelled, nullptr}));
    bool more = true;
    while (more && !counts_.interrupted) {
      std::vector<Entry> batch;
      CAIRN_TRY_ASSIGN(more, read_batch(*lines, batch));
      CAIRN_TRY(merge_batch(batch));
      if (line_.due()) {
        line_.update(fmt::format("merging  {} lines", format_count(counts_.lines)));
      }
      counts_.interrupted = context_.cancelled;
    }
    return {};
  }

  // False: the input is at its end.
  Result<bool> read_batch(LineSource& lines, std::vector<Entry>& batch) {
    while (batch.size() < kBatchLines) {
      CAIRN_TRY_ASSIGN(const auto line, lines.next());
      if (!line) return false;
      if (line->text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      if (!started_) {
        started_ = true;
        auto header = reader_.start(line->text);
        if (!header.ok()) {
          return make_error(header.error().code, fmt::format("{}:{}: {}", input_name(),
                                                             line->number, header.error().message));
        }
        if (*header) continue;
      }
      batch.push_back(read_entry(*line));
    }
    return true;
  }

  Entry read_entry(const Line& line) {
    Entry entry;
    entry.line = line.number;
    entry.too_long = line.too_long;
    auto pair =
        line.too_long
            ? Result<Pair>(make_error(ErrorCode::Exhausted, "the line is too long to be a pair"))
            : reader_.read(line.text);
    if (pair.ok()) {
      entry.pair = *std::move(pair);
    } else {
      entry.error = std::move(pair).error();
      entry.text = line.text;
    }
    return entry;
  }

  Result<void> merge_batch(std::vector<Entry>& batch) {
    std::vector<MergePlan::Merge> merges;
    uint64_t planned = 0;
    uint64_t refused = 0;
    {
      CAIRN_TRY_ASSIGN(const auto snapshot, store_->snapshot());
      counts_.lsn = snapshot->lsn();
      CAIRN_TRY(find_project_asked_for(snapshot->state()));
      MergePlan plan(snapshot->state());
      for (Entry& entry : batch) {
        if (!entry.error) {
          const auto added = add(plan, snapshot->state(), entry.pair);
          if (added.ok()) {
            planned += *added ? 1 : 0;
            continue;
          }
          entry.error = added.error();
        }
        ++refused;
      }
      merges = plan.take();
    }
    CAIRN_TRY(submit(std::move(merges)));
    counts_.lines += batch.size();
    counts_.merged += planned;
    counts_.refused += refused;
    counts_.no_change += batch.size() - planned - refused;
    return tell_refused(batch);
  }

  // Once: its number stays.
  Result<void> find_project_asked_for(const model::State& state) {
    if (arguments_.project.empty() || project_) return {};
    CAIRN_TRY_ASSIGN(project_, find_project(state, arguments_.project));
    return {};
  }

  Result<bool> add(MergePlan& plan, const model::State& state, const Pair& pair) const {
    CAIRN_TRY_ASSIGN(const GroupId child, find_group(state, pair.child));
    CAIRN_TRY_ASSIGN(const GroupId primary, find_group(state, pair.primary));
    return plan.add(child, primary);
  }

  Result<GroupId> find_group(const model::State& state, const std::string& word) const {
    if (project_) {
      const model::Fingerprint* known = state.find_fingerprint(*project_, word);
      if (known != nullptr && known->leaf != GroupId{}) return known->leaf;
      return make_error(
          ErrorCode::NotFound,
          fmt::format("no issue in project {} has the fingerprint '{}'", arguments_.project, word));
    }
    // A number alone would name a group nobody means: these are ids of a tracker.
    if (model::parse_short_id(word)) return state.find_issue(word);
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("'{}' is no short id such as SHOP-3K; if the pairs are of "
                                  "fingerprints, say of which project: --project",
                                  word));
  }

  Result<void> submit(std::vector<MergePlan::Merge> merges) {
    if (merges.empty()) return {};
    std::vector<model::Message> messages;
    for (MergePlan::Merge& merge : merges) {
      // What tells one merge from a repeated one: the caller's key, else this run.
      merge.op.line = arguments_.writer.key.empty()
                          ? fmt::format("merge --pairs after {} #{}", raw(counts_.lsn), merges_)
                          : fmt::format("merge --pairs {} #{}", arguments_.writer.key, merges_);
      ++merges_;
      messages.emplace_back(std::move(merge.op));
    }
    engine::SubmitOptions options;
    options.actor = arguments_.writer.actor;
    CAIRN_TRY_ASSIGN(const auto result, store_->submit(std::move(messages), options));
    counts_.lsn = result.lsn;
    for (size_t i = 0; i < result.items.size(); ++i) {
      const engine::ItemResult& item = result.items[i];
      if (item.error) return *item.error;
      if (item.outcome == engine::Outcome::Stored) {
        ++counts_.records;
      } else {
        counts_.merged -= merges[i].children;  // taken as merged by the caller; its key was used
        counts_.no_change += merges[i].children;
      }
    }
    return {};
  }

  Result<void> tell_refused(const std::vector<Entry>& batch) {
    for (const Entry& entry : batch) {
      if (!entry.error) continue;
      Refusal refusal{input_name(), entry.line, entry.too_long, entry.text, *entry.error};
      if (keeps_rejects()) {
        if (refusal.text.empty()) refusal.text = pair_json(entry.pair, columns_);
        CAIRN_TRY(rejects_.add(refusal));
      } else if (told_++ < kShownRefusals) {
        line_.clear();
        console_.note(printable(refusal_text(refusal), console_.terminal.utf8));
      }
    }
    return {};
  }

  void note_done() const {
    console_.note(
        fmt::format("cairn: {} lines were handled and {} issues merged, durable up to "
                    "LSN {}; the same command goes on from there",
                    format_count(counts_.lines), format_count(counts_.merged), raw(counts_.lsn)));
  }

  VerbResult report() {
    if (console_.json) {
      console_.out.line(counts_json());
    } else {
      console_.out.line(counts_text());
    }
    if (!keeps_rejects() && counts_.refused > kShownRefusals) {
      console_.note(fmt::format("{} more lines were refused; --rejects FILE keeps them",
                                format_count(counts_.refused - kShownRefusals)));
    }
    if (keeps_rejects() && counts_.refused > 0) {
      console_.note(fmt::format("refused pairs are in {}; mend the reason and give it to --pairs",
                                arguments_.rejects));
    }
    if (counts_.interrupted) {
      console_.note("cairn: interrupted");
      note_done();
      return ExitCode::Interrupted;
    }
    return counts_.refused > 0 ? ExitCode::SomeRefused : ExitCode::Ok;
  }

  std::string counts_json() const {
    JsonWriter json;
    json.begin_object();
    json.key("lsn").unsigned_integer(raw(counts_.lsn));
    json.key("lines").unsigned_integer(counts_.lines);
    json.key("merged").unsigned_integer(counts_.merged);
    json.key("no_change").unsigned_integer(counts_.no_change);
    json.key("refused").unsigned_integer(counts_.refused);
    json.key("records").unsigned_integer(counts_.records);
    json.key("seconds").number(seconds());
    json.key("interrupted").boolean(counts_.interrupted);
    return json.end_object().take();
  }

  std::string counts_text() const {
    std::string out = fmt::format("{} line{}: {} merged by {} record{}, {} without change",
                                  format_count(counts_.lines), counts_.lines == 1 ? "" : "s",
                                  format_count(counts_.merged), format_count(counts_.records),
                                  counts_.records == 1 ? "" : "s", format_count(counts_.no_change));
    if (counts_.refused > 0) out += fmt::format(", {} refused", format_count(counts_.refused));
    return out + fmt::format(" ({})", format_seconds(seconds()));
  }

  const MergePairsArguments& arguments_;
  Context& context_;
  Console& console_;
  PairColumns columns_;
  PairReader reader_;
  RejectsFile rejects_;
  ProgressLine line_;
  std::chrono::steady_clock::time_point start_;
  engine::Store* store_ = nullptr;    // while it is open
  std::optional<ProjectId> project_;  // of --project, once found
  bool started_ = false;              // the first line was looked at
  uint64_t merges_ = 0;               // submitted
  uint64_t told_ = 0;
  Counts counts_;
};

}  // namespace

VerbResult run_verb(const MergePairsArguments& arguments, Context& context) {
  context.end_in_order();
  return PairsVerb(arguments, context).run();
}

}  // namespace cairn::verbs
