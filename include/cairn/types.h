// What goes into a store and what comes out of it: plain values that own everything they hold.
//
// Names of states (status, level ...) are the texts of --json output and stay. New members may come
// at the end of a struct: build programs anew with each minor version of the library.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cairn/result.h"

namespace cairn {
CAIRN_VERSIONED namespace v1 {
  // A record's number in the log, counted from 1; 0 = before the first.
  using Lsn = std::uint64_t;
  // UTC, in microseconds.
  using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

  // --- opening
  // ------------------------------------------------------------------------------------

  // 0 = the default of docs/operations.md.
  struct OpenOptions {
    bool read_only = false;             // beside the one process that writes; see Store::refresh()
    bool create = true;                 // make the store when the directory holds none
    std::uint32_t head_limit = 0;       // occurrences in memory before a segment is sealed
    std::uint64_t log_file_bytes = 0;   // size of one file of the log
    std::uint64_t index_map_bytes = 0;  // address space of the index
  };

  struct OpenReport {
    bool created = false;
    std::uint64_t replayed_records = 0;  // from the end of the log
    std::uint64_t torn_bytes = 0;  // of a write nobody was answered for, cut off after a crash
    std::string torn_file;
    bool index_rebuilt = false;  // there was none: all of the log was replayed
  };

  // --- writing
  // ------------------------------------------------------------------------------------

  // One occurrence, for programs that have no line of JSON (docs/wire-format.md) at hand.
  struct Occurrence {
    std::string id;                        // a UUID; the same one again changes nothing
    std::uint64_t project = 0;             // 1 or more
    std::vector<std::string> fingerprint;  // 1 to 64, finest first; the first decides the issue
    std::string title;
    std::string subtitle;
    std::string culprit;
    std::string level;  // debug, info, warning, error, fatal, sample; "" = info
    std::uint32_t type = 1;
    Time time{};
    // Of its event; "" = none.
    std::string event_id;  // a UUID; "" = `id`
    std::string platform;
    std::string environment;
    std::string release;
    std::string message;
    std::string user_id;
    std::vector<std::pair<std::string, std::string>> tags;
  };

  struct SubmitOptions {
    std::string actor;        // "" = the system
    bool input_time = false;  // record times follow the input's own times: for replaying the past
  };

  enum class Outcome : std::uint8_t {
    Stored = 0,
    Duplicate = 1,  // known by its id or key: nothing changed
    NoChange = 2,   // understood, but the state already was as wished
    Reference = 3,  // names an occurrence that is in the store
    Refused = 4,
  };

  struct SubmittedItem {
    std::uint64_t line = 0;  // in the text that was given, from 1; of occurrences their number
    Outcome outcome = Outcome::Stored;
    Lsn lsn = 0;                 // Stored: of its record
    std::optional<Error> error;  // Refused
  };

  struct Submitted {
    Lsn lsn = 0;  // everything up to here is durable
    std::uint64_t stored = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t no_change = 0;
    std::uint64_t references = 0;
    std::uint64_t refused = 0;
    std::vector<SubmittedItem> items;  // in order
  };

  struct WriteOptions {
    std::string actor;  // "" = the system
    std::string key;    // the same key again changes nothing; "" = none
  };

  // --- asking
  // -------------------------------------------------------------------------------------

  // Ends a call of another thread. May be used for several calls, until reset() also for later
  // ones. Thread: any.
  class Cancellation {
   public:
    void cancel() noexcept { wanted_.store(true, std::memory_order_relaxed); }
    void reset() noexcept { wanted_.store(false, std::memory_order_relaxed); }
    bool cancelled() const noexcept { return wanted_.load(std::memory_order_relaxed); }
    const std::atomic<bool>& flag() const noexcept { return wanted_; }

   private:
    std::atomic<bool> wanted_{false};
  };

  // What one answer may use; 0 = as much as it takes.
  struct Limits {
    std::chrono::milliseconds time{0};
    std::uint64_t memory_bytes = 0;
    std::uint64_t rows_examined = 0;
    std::uint64_t rows_returned = 0;
  };

  // The moment a snapshot is of: now, a record, or a time (everything recorded until then).
  struct Moment {
    std::optional<Lsn> lsn;
    std::optional<Time> time;
  };

  struct SnapshotOptions {
    Moment as_of;
    std::string experiment;  // as it groups; "" = as everybody sees it
    Lsn at_least = 0;        // Conflict when the store has not come so far: read what you wrote
  };

  struct QueryOptions {
    std::optional<Time> now;  // what relative dates are relative to; default: the moment's
    std::string sort;         // date, new, freq, user, ...; "" = the query's own
    std::optional<std::uint32_t> limit;  // rows; default: the query's own, else 25 issues
    std::string cursor;                  // IssuePage::next or prev; "" = the first page
    std::uint32_t trend_buckets = 0;     // counts over time for each issue; 0 = none
    std::chrono::seconds trend_bucket{0};
    std::string user;                // who `me` is, without "user:"
    std::vector<std::string> teams;  // what `my_teams` are, without "team:"
    Limits limits;
    const Cancellation* cancel = nullptr;  // borrowed for the call
  };

  struct Issue {
    std::uint64_t id = 0;
    std::string short_id;  // how people and commands name it: SHOP-3K
    std::uint64_t project = 0;
    std::string title;
    std::string status;     // unresolved, resolved, ignored
    std::string substatus;  // new, ongoing, escalating, regressed ...; "" = none
    std::string level;
    std::string priority;  // low, medium, high
    std::string assignee;  // user:ID, team:ID; "" = nobody
    std::uint32_t type = 0;
    std::uint64_t times_seen = 0;
    std::optional<Time> first_seen;  // none: without occurrences
    std::optional<Time> last_seen;
    std::uint64_t count = 0;  // of the matching occurrences, like the next ones
    std::uint64_t users = 0;
    std::vector<std::uint64_t> trend;  // oldest bucket first
    std::vector<std::string> merged;   // short ids of what is shown within it
  };

  struct IssuePage {
    Lsn lsn = 0;
    std::uint64_t total = 0;  // over all pages, exact
    std::vector<Issue> issues;
    std::chrono::seconds trend_bucket{0};
    std::string next;  // cursor of the next page; "" = none
    std::string prev;
    std::vector<std::string> warnings;  // what in the query can match nothing, and why
  };

  // monostate: no value; a vector: a trend, oldest bucket first.
  using Cell = std::variant<std::monostate, std::int64_t, double, std::string, Time,
                            std::vector<std::uint64_t>>;
  struct Column {
    std::string name;
    std::string type;  // integer, number, string, time, trend
  };
  struct Table {
    Lsn lsn = 0;
    std::uint64_t total = 0;  // rows before the limit cut them, exact
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;
    std::vector<std::string> warnings;
  };

  struct EventOptions {
    std::string filter;  // a query without a pipeline; "" = all
    bool alone = false;  // without what is merged into the issue
    std::optional<Time> now;
    std::optional<std::uint32_t> limit;  // default 25
    std::string cursor;
    Limits limits;
    const Cancellation* cancel = nullptr;  // borrowed for the call
  };
  struct Event {
    Lsn lsn = 0;
    Time time{};
    std::string id;
    std::string issue;  // short id of what shows it
    std::string leaf;   // and of the group that owns it
    std::string json;   // the occurrence in the wire form
  };
  struct EventPage {
    Lsn lsn = 0;
    std::uint64_t total = 0;
    std::vector<Event> events;  // newest first
    std::string next;
    std::string prev;
    std::vector<std::string> warnings;
  };

  struct HistoryEntry {
    Lsn lsn = 0;
    Time time{};
    std::string actor;  // "" = the system
    std::string issue;  // whose history it is of: the issue asked for, or one that showed it
    std::string what;   // created, status, shows, merged_into, note ...
    std::string before;
    std::string after;
  };

  struct ExperimentStep {
    std::string rule;
    Lsn lsn = 0;
    std::uint64_t merged = 0;     // issues that go under others
    std::uint64_t taken_out = 0;  // issues that are shown on their own again
  };
  struct Experiment {
    std::string name;
    Lsn at = 0;  // its rules are evaluated as of this record; 0 = on the present
    Lsn created = 0;
    Lsn promoted = 0;  // 0 = not
    std::vector<ExperimentStep> steps;
  };

  struct GroupSizes {
    std::uint64_t issues = 0;
    std::uint64_t singletons = 0;
    double mean = 0;
    std::uint64_t p50 = 0;
    std::uint64_t p95 = 0;
    std::uint64_t largest = 0;
  };
  struct Comparison {
    std::uint64_t occurrences = 0;
    std::uint64_t moved = 0;    // shown by another issue than before
    std::uint64_t changed = 0;  // issues that got occurrences of others
    GroupSizes before;
    GroupSizes after;
  };

  // How a verb of the command line is run.
  struct RunOptions {
    std::string user;  // who does what it does, unless --actor says; "" = the system
    const Cancellation* cancel = nullptr;  // borrowed for the call
  };
  struct Answer {
    int exit_code = 0;  // 0 done, 1 failed, 2 no such verb or option, 3 some input was refused
    std::string out;    // what the program would print; with --json one JSON value
    std::string err;    // and what it would tell beside it: warnings, what went wrong
  };

  struct Stats {
    Lsn last_lsn = 0;
    Lsn checkpoint_lsn = 0;
    std::uint64_t occurrences = 0;
    std::uint64_t issues = 0;
    std::uint64_t hidden = 0;  // merged into others
    std::uint64_t projects = 0;
    std::uint64_t log_bytes = 0;
    std::uint64_t index_bytes = 0;
    std::uint64_t segments = 0;
  };

}  // namespace v1
}  // namespace cairn
