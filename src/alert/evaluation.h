// One evaluation of rules that share it: occurrences that match go in, the values of all its keys
// at a tick come out. What the query language would say of the same window is what it says
// (tests/unit/alert/evaluation_test.cc holds it against query::aggregate).
//
// Where issues matter (group_by issue, uniq(issue), conditions on the issue) it counts by
// fingerprint and asks at the tick which issue shows what, so merges and changes of status in
// between show as in a query. An occurrence of an issue that is deleted later stays counted where
// issues do not matter, until its window has passed.
//
// *Room.* It keeps at most max_bytes, whatever comes. What does not fit is not counted, and every
// value that lacks something for it says `incomplete`; see keyed_windows.h, and keys_missing().
//
// *Hashes.* Different values, and keys, are told apart by seeded 64-bit hashes of their texts
// (XXH3, not a cryptographic one). Clients choose these texts: give a seed they cannot know.
//
// Thread: one at a time. Deterministic: occurrences, ticks, options and the state are all it knows.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alert/bound_rule.h"
#include "alert/incident.h"
#include "alert/keyed_windows.h"
#include "alert/shared_queries.h"
#include "base/result.h"
#include "model/forest.h"
#include "model/occurrence.h"

namespace cairn::alert {

// What is asked of issues at a tick. Borrows all of it.
struct Issues {
  const model::Forest& forest;
  std::span<const GroupId> root_of_fingerprint;  // State::roots_by_fingerprint(); 0 = not shown
  // SplitFilter::group of the filter and of percent_of, bound as of now.
  std::span<const query::Expr> counted = {};
  std::span<const query::Expr> whole = {};
};

struct KeyUpdate {
  // The value of group_by; of issues "PROJECT/NUMBER", of projects the number. "": no value, or no
  // group_by.
  std::string key;
  Update update;
  bool operator==(const KeyUpdate&) const = default;
};

struct EvaluationOptions {
  // No tick before this one will be asked for, so what its windows cannot hold is late. Without it
  // any old time is kept until the first advance().
  std::optional<TimeUs> first_tick{};
  uint32_t max_bytes = 128u << 20;  // of windows and keys; percent_of: half of it for each side
  uint64_t seed = 0;
};

// What the state beside saved evaluations says; bytes that say otherwise are damaged.
struct SavedBeside {
  size_t fingerprints = 0;  // ids are below: roots_by_fingerprint().size()
  // The next one that will be asked for.
  TimeUs next_tick{std::numeric_limits<int64_t>::max()};
};

class Evaluation {
 public:
  // Precondition: a rule with a number.
  explicit Evaluation(const BoundRule& bound, const EvaluationOptions& options = {});

  // Of an occurrence that matches the side's filter (SharedQueries::for_each_match) and whose issue
  // is shown. `now` is the time of its record.
  void add(Side side, const model::Occurrence& occurrence, std::span<const model::Term> terms,
           FingerprintId decided_by, TimeUs now);

  // Whether all that matches is alike to it but for the time: it has one window, of counts.
  bool counts_alone() const { return plain_ && !by_fingerprint_ && !whole_; }
  // So many add() of occurrences of that time, none of them Early. Precondition: counts_alone().
  void add_counts(TimeUs time, uint32_t occurrences);

  // The values at a tick, by key: of every key that was counted, and of `open` ones, of which there
  // may be nothing left. Without group_by exactly one. Costs every key with anything in the windows
  // to come, quiet ones, too.
  // Precondition: the tick is later than those of advance(): a key of which nothing is left is told
  // of once more, at nothing, and then gone. Rules that share this evaluation all ask before it.
  std::vector<KeyUpdate> at(TimeUs tick, const Issues& issues,
                            std::span<const std::string> open = {});
  // This tick and those before it will not be asked for any more.
  void advance(TimeUs tick);
  // Whether there may be keys in the windows at the tick that at() does not tell of, as there was
  // no room for them.
  bool keys_missing(TimeUs tick);

  // All of it as bytes, the same for the same state (docs/format.md, "Alert windows"). Whose they
  // are, and a checksum, is for the row that holds them.
  void save(storage::RowWriter& out) const;
  // Becomes as what was saved, which was made of the same rule with the same options, also the
  // seed. Reads no further than what save() wrote. Bytes are not trusted: whatever they say, an
  // evaluation keeps its promises, and takes no more than max_bytes. Precondition: nothing was
  // added yet. Errors leave it as it was, to be filled anew from the index: Unsupported, bytes of
  // another version, or windows of another rule or seed; Corruption, what no evaluation can be.
  Result<void> load(storage::RowReader& in, const SavedBeside& beside);

  struct Figures {
    uint64_t counted = 0;   // on both sides
    uint64_t late = 0;      // no window to come could hold them
    uint64_t early = 0;     // kMaxAheadUs
    uint64_t not_kept = 0;  // kMaxKept, or no room in a window that is there
    uint64_t refused = 0;   // no room for another key
  };
  const Figures& figures() const { return figures_; }
  size_t memory_bytes() const;
  size_t bucket_bytes() const;  // of it what was counted takes

 private:
  struct Reading {
    WindowValue now;
    WindowValue earlier;
  };
  using Readings = std::map<std::string, Reading>;
  struct Rows;

  void count(KeyedWindows& windows, uint64_t label, FingerprintId decided_by, TimeUs time,
             TimeUs now, const Observation& observation, size_t name_bytes = 0);
  Observation observe(const model::Occurrence& occurrence, std::span<const model::Term> terms);
  uint64_t hash_of(std::string_view value) const;
  uint64_t label_hash(std::string_view value) const;
  uint64_t label_of(std::string_view value);
  std::string name_of(uint64_t label) const;
  Reading read(std::span<Window* const> windows, TimeUs tick) const;
  Readings read_all(KeyedWindows& windows, TimeUs tick, const Issues& issues,
                    std::span<const query::Expr> conditions);
  Readings read_by_issue(KeyedWindows& windows, TimeUs tick, const Issues& issues,
                         std::span<const query::Expr> conditions);
  void count_issues(Readings& readings, KeyedWindows& windows, TimeUs tick, const std::string& name,
                    std::span<const std::pair<GroupId, Window*>> all) const;
  Update update_of(TimeUs tick, const Reading& counted, const Reading* whole) const;
  static size_t name_bytes(std::string_view name);

  // What there is a value of: a field of the occurrence, or what the kind says.
  struct Field {
    query::RowKey::Kind kind{};
    FieldId id{};     // as in EventField
    std::string tag;  // the same
    bool holds(const model::Term& term) const {
      return id != FieldId{0} ? term.id == id : term.id == FieldId{0} && term.tag == tag;
    }
  };
  static std::unique_ptr<const Field> field_of(const std::optional<query::RowKey>& key);
  bool groups_by(query::RowKey::Kind kind) const { return group_by_ && group_by_->kind == kind; }
  bool counts_issues() const;

  // First what add() needs of nearly all.
  Figures figures_;
  bool plain_;  // without a field to count or to group by
  bool compares_;
  bool by_fingerprint_;
  query::BoundCall::Function function_;
  KeyedWindows counted_;
  uint32_t per_million_;
  int64_t period_us_;
  std::unique_ptr<const Field> of_;        // nullptr: none
  std::unique_ptr<const Field> group_by_;  // the same
  uint64_t seed_;
  TimeUs done_;  // by advance()
  std::unique_ptr<KeyedWindows> whole_;
  std::map<uint64_t, std::string> names_;  // of labels that are values of a field
  struct Observed {
    std::vector<uint64_t> values;
    std::vector<double> numbers;
  };
  std::unique_ptr<Observed> observed_;  // by the last observe(); none where nothing is
};

}  // namespace cairn::alert
