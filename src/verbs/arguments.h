// The command line as plain values. arguments.cc is the only file that knows how it is parsed.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/store.h"
#include "model/message.h"
#include "query/search.h"
#include "verbs/alert_arguments.h"
#include "verbs/common_arguments.h"
#include "verbs/generate_options.h"

namespace cairn::verbs {

// What one query may use unless told otherwise: enough for any honest one, and an end to the rest.
inline constexpr query::Budget kDefaultBudget{.time_us = 60 * kMicrosPerSecond,
                                              .memory_bytes = 1u << 30,
                                              .rows_examined = 0,
                                              .rows_returned = 0};

struct InitArguments {
  std::string store;
};
struct ImportArguments {
  std::string store;
  std::vector<std::string> files;
  bool by_time = false;
  bool must_exist = false;
  bool quiet = false;
  std::string rejects;  // "" = none
  std::string actor;
};
struct ExportArguments {
  std::string store;
  std::string query;
  MomentArguments moment;
};
struct QueryArguments {
  std::string store;
  std::string query;
  MomentArguments moment;
  std::optional<query::Sort> sort;
  std::optional<uint32_t> limit;
  std::string cursor;
  query::Viewer viewer;
  query::Budget budget = kDefaultBudget;
  bool profile = false;
};
struct ExplainArguments {
  QueryArguments query;
};
struct FieldsArguments {
  std::string store;
  std::string name;  // "" = all
  MomentArguments moment;
};
struct ParseArguments {
  std::string query;
};
struct ShowArguments {
  std::string store;
  std::string issue;
  bool alone = false;  // without what is merged into it
  MomentArguments moment;
};
struct HistoryArguments {
  std::string store;
  std::string issue;
  std::optional<uint64_t> limit;  // the newest; none = all
  MomentArguments moment;
};
struct EventsArguments {
  std::string store;
  std::string issue;
  std::string query;   // a filter; "" = all
  bool alone = false;  // without what is merged into it
  std::optional<uint32_t> limit;
  std::string cursor;
  MomentArguments moment;
};
struct TagsArguments {
  std::string store;
  std::string issue;
  std::string key;     // "" = an overview of all
  std::string query;   // a filter; "" = all
  bool alone = false;  // without what is merged into it
  std::optional<uint32_t> limit;
  MomentArguments moment;
};
struct DiffArguments {
  std::string store;
  MomentArguments from;
  MomentArguments to;   // now, unless given
  uint64_t limit = 20;  // of each kind
};
struct MergeArguments {
  std::string store;
  std::vector<std::string> references;  // the primary first, unless there is a title
  std::string title;                    // of a new view; "" = the first issue is the primary
  WriterArguments writer;
};
// Many merges at once.
struct MergePairsArguments {
  std::string store;
  std::string pairs;    // a file, or - for stdin
  std::string project;  // the words are fingerprints of this project; "" = they are short ids
  std::string child_column = "child";
  std::string primary_column = "primary";
  bool columns_named = false;
  std::string rejects;  // "" = none
  WriterArguments writer;
};
struct UnmergeArguments {
  std::string store;
  std::string view;
  std::vector<std::string> children;
  uint32_t nth_last = 0;  // 0 = the children named, or all
  WriterArguments writer;
};
struct SplitArguments {
  std::string store;
  std::string issue;
  std::vector<std::string> fingerprints;  // of `issue`, to leave it
  bool undo = false;                      // `issue` goes back to where it was split from
  WriterArguments writer;
};
struct ExperimentArguments {
  enum class Action { New, Add, List, Compare, Promote, Drop };
  Action action = Action::List;
  std::string store;
  std::string name;
  std::string rule;           // add
  std::string pairs;          // add: a file instead of a rule
  std::optional<Lsn> at;      // new
  std::string other;          // compare: with this experiment; "" = with the base
  std::string labels;         // compare: a file; "" = none
  std::string label_column;   // "" = group, or the second
  uint64_t limit = 10;        // compare: changes listed
  bool rebase = false;        // promote
  bool dry_run = false;       // add, promote
  std::optional<TimeUs> now;  // add
  WriterArguments writer;
};
struct SweepArguments {
  std::string store;
  std::string rule;
  std::optional<Lsn> undo;  // instead of a rule
  bool dry_run = false;
  uint64_t limit = 10'000;  // issues that may be merged away or taken out in one run
  int64_t every_us = 0;     // 0 = once
  std::optional<TimeUs> now;
  WriterArguments writer;
};
struct StatusArguments {
  std::string store;
  std::vector<std::string> issues;
  model::Status status{};
  model::Substatus substatus{};
  model::SnoozeTerms snooze{};
  std::optional<int64_t> snooze_us;  // until then from now
  model::Resolution resolution{};
  WriterArguments writer;
};
struct NoteArguments {
  std::string store;
  std::string issue;
  model::NoteChange change{};
  uint32_t note = 0;
  std::string text;
  WriterArguments writer;
};
struct AttentionArguments {
  std::string store;
  std::string issue;
  model::Attention attention{};
  std::string who;
  bool on = true;
  WriterArguments writer;
};
struct LinkArguments {
  std::string store;
  std::string issue;
  std::string url;
  std::string title;
  bool remove = false;
  WriterArguments writer;
};
struct StandingArguments {
  std::string store;
  std::string issue;
  model::Standing standing{};
  WriterArguments writer;
};
struct TickArguments {
  std::string store;
};
// What alerts told of issues in a stretch of time: after `from`, up to `to` (none = now).
struct DigestArguments {
  std::string store;
  std::vector<std::string> projects, rules;        // numbers or names; empty = all
  int64_t last_us = 24 * 3600 * kMicrosPerSecond;  // up to `to`, unless `from` says more
  std::optional<TimeUs> from, to;
  std::string html;     // a file for the page, - is stdout; "" = no page
  uint64_t limit = 25;  // issues of a rule shown
  MomentArguments moment;
};
struct PriorityArguments {
  std::string store;
  std::string issue;
  std::optional<uint8_t> priority;  // none = that of the type
  WriterArguments writer;
};
struct AssignArguments {
  std::string store;
  std::string issue;
  std::string assignee;  // "" = nobody
  WriterArguments writer;
};
struct StatsArguments {
  std::string store;
  bool digests = false;  // --json has them always
};
struct VerifyArguments {
  std::string store;
  bool deep = false;
};
struct RebuildArguments {
  std::string store;
};
struct CompactArguments {
  std::string store;
};
struct BackupArguments {
  std::string store;
  std::string destination;
};
struct RestoreArguments {
  std::string source;
  std::string store;
};
struct RetainArguments {
  std::string store;
  engine::RetentionPolicy policy;
  std::optional<TimeUs> now;
};
struct LogArguments {
  std::string store;
  Lsn from{1};
  std::optional<uint64_t> limit;
};
struct ProjectsArguments {
  std::string store;
  bool set = false;  // else list
  ProjectId project{};
  std::optional<std::string> slug;
  std::optional<model::FingerprintPolicy> policy;
  std::optional<uint32_t> auto_resolve_hours;
  std::optional<uint32_t> escalation_threshold;
  std::optional<bool> hold_back;
  WriterArguments writer;
};
struct ReleasesArguments {
  std::string store;
  bool set = false;     // else list
  std::string project;  // number or slug; "" = all of them, to list
  std::string version;
  std::optional<TimeUs> date;
  std::vector<std::string> commits;
  uint64_t limit = 100;  // of each project, the newest
  WriterArguments writer;
};
struct TypesArguments {
  enum class Action { List, Strict, Set };
  std::string store;
  Action action = Action::List;
  bool strict = false;  // Strict
  uint32_t type = 0;    // Set; what is not given stays as it is
  std::optional<std::string> slug;
  std::optional<uint16_t> category;
  std::optional<uint8_t> priority;
  std::optional<uint32_t> noise_limit;
  std::optional<uint32_t> quota_per_hour;
  std::optional<bool> auto_resolve;
  std::optional<bool> escalation;
  WriterArguments writer;
};
struct GenerateArguments {
  GenerateOptions options;
};
inline constexpr uint64_t kMinBenchScale = 1000;
inline constexpr std::array<std::string_view, 17> kBenchPhases = {
    "machine", "import", "queries", "language", "open",        "past", "rebuild", "api",   "single",
    "writers", "crash",  "merges",  "merged",   "experiments", "busy", "rpc",     "alerts"};
struct BenchArguments {
  uint64_t scale = 1'000'000;
  uint64_t seed = 1;
  int runs = 0;                   // 0 = 5, or fewer where one takes minutes
  std::string directory;          // where the scratch directory is made; "" = the system's place
  std::string store;              // of an earlier run, or where to import to; "" = scratch
  bool keep = false;              // the store
  bool verify = false;            // --deep, after everything
  std::vector<std::string> only;  // phases; empty = all
};
// The REPL, or, with commands, these alone.
struct ReplArguments {
  std::string store;
  std::vector<std::string> commands;
};
struct DemoArguments {
  uint64_t occurrences = 200'000;
  uint64_t seed = 1;
  std::string keep;  // directory to keep the store in; "" = a temporary one, removed
};

struct ServeArguments {
  std::string store;
  std::vector<std::string> listen;
  std::vector<std::string> http;
  std::string config;       // a file; "" = none
  std::string tokens;       // a file; "" = that in the store
  std::string certificate;  // files
  std::string key;
  bool force_insecure = false;
  bool must_exist = false;
};
struct TokenArguments {
  enum class Action { Create, List, Revoke };
  std::string store;
  Action action = Action::List;
  std::string name;
  std::vector<std::string> scopes;
  std::vector<uint64_t> projects;  // empty = all
  std::optional<int64_t> life_us;
  std::map<std::string, uint64_t> limits;  // by what the settings of a server call them
  std::string file;                        // "" = that in the store
};

using VerbArguments =
    std::variant<InitArguments, ImportArguments, ExportArguments, QueryArguments, ExplainArguments,
                 FieldsArguments, ParseArguments, ShowArguments, HistoryArguments, EventsArguments,
                 TagsArguments, DiffArguments, MergeArguments, MergePairsArguments,
                 UnmergeArguments, SplitArguments, ExperimentArguments, SweepArguments,
                 StatusArguments, AssignArguments, PriorityArguments, StatsArguments,
                 VerifyArguments, RebuildArguments, CompactArguments, BackupArguments,
                 RestoreArguments, RetainArguments, LogArguments, ProjectsArguments, TypesArguments,
                 NoteArguments, AttentionArguments, LinkArguments, StandingArguments, TickArguments,
                 ReleasesArguments, AlertCheckArguments, AlertTestArguments, AlertArguments,
                 DigestArguments, GenerateArguments, BenchArguments, DemoArguments, ReplArguments,
                 ServeArguments, TokenArguments>;

struct Invocation {
  std::string_view name;  // as verb_table() has it
  VerbArguments verb;
  bool json = false;
};

// Nothing to run: text for the person (help, version: exit 0, on stdout; else exit 2, on stderr).
struct Advice {
  bool ok = false;
  bool json = false;  // --json was given
  std::string text;
};

// Words after the program's name. `user` is who writes, unless --actor says so. Thread: any.
std::variant<Invocation, Advice> parse_arguments(const std::vector<std::string>& words,
                                                 const std::string& user = {});

}  // namespace cairn::verbs
