// What answering a query took, and what the planner expected of it: for `explain` and
// `query --profile`. Values; filled by the thread of the answer, read when it is done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "query/ast.h"
#include "query/plan.h"
#include "query/view.h"

namespace cairn::query {

class GroupFilter;

// How a condition was answered in one part.
enum class Way : uint8_t {
  All,           // every occurrence
  None,          // no occurrence
  Posting,       // one posting
  Union,         // a posting for each value
  Walk,          // over all values of the field
  Present,       // the field's posting of any value
  Times,         // a search in every fingerprint's range
  Fingerprints,  // the ranges of fingerprints
  Combined,      // AND, OR and NOT of the others
  Column,        // the values of what the conditions before it had left, one by one
  Again,         // equal to a condition that was answered before
  Skipped,       // nothing was left to ask for
  Ids,           // found by id before
};
inline constexpr size_t kWays = 13;
std::string_view way_name(Way way);

struct Profile {
  struct Stage {
    std::string name;  // parse, bind, plan, match, roll-up, rows
    int64_t us = 0;
  };
  // A condition in one part.
  struct Work {
    uint32_t part = 0;
    uint64_t estimated = 0;
    uint64_t found = 0;  // Column: of the occurrences that were left
    int64_t us = 0;      // with that of its children
    Way way{};
  };
  struct Node {
    std::string kind;  // and, or, not, field, present, time, issues, all, none
    std::string text;  // as it stands in the query; "" of what is no single term
    std::string field;
    std::optional<uint64_t> values;  // of the field that are wanted
    std::vector<Work> work;          // in each part that was asked
    std::vector<Node> children;
  };
  struct Part {
    enum class Outcome : uint8_t { PrunedByTime, PrunedByPlan, NoMatch, Matched };
    uint64_t occurrences = 0;
    TimeUs first{};
    TimeUs last{};
    bool segment = false;  // else the head
    Outcome outcome{};
    std::vector<std::string> ways;  // what was done besides the conditions, in order
    uint64_t estimated = 0;
    uint64_t matches = 0;
    int64_t us = 0;
  };
  // Conditions about the issue alone, all of which have to hold.
  struct Issues {
    std::vector<std::string> conditions;  // as written
    uint64_t estimated = 0;               // issues that may pass
    uint64_t asked = 0;
    uint64_t passed = 0;
  };

  std::vector<Stage> stages;
  TimeRange time;  // the time the whole query is limited to
  Issues issues;
  Node conditions;
  std::vector<Part> parts;
  std::string counting;  // how matches became issues or rows
  uint64_t rows = 0;     // of the answer, over all pages
  uint64_t examined = 0;
  uint64_t memory_bytes = 0;  // most at a time, as budgets count it

  std::vector<std::vector<Work>> work_by_node;  // while answering

  uint64_t pruned() const;
  uint64_t matches() const;
  int64_t total_us() const;
};

// nullptr: nobody asks.
inline Profile* profile_of(const View& view) {
  return view.meter == nullptr ? nullptr : view.meter->profile();
}

// The time from its making to its end goes to a stage. Costs nothing without a profile.
class StageTimer {
 public:
  StageTimer(const Meter* meter, const char* stage)
      : meter_(meter != nullptr && meter->profile() != nullptr ? meter : nullptr), stage_(stage) {
    if (meter_ != nullptr) begin_ = meter_->now();
  }
  ~StageTimer() { end(); }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;
  // The next stage begins.
  void next(const char* stage) {
    end();
    stage_ = stage;
    if (meter_ != nullptr) begin_ = meter_->now();
  }

 private:
  void end();
  const Meter* meter_;
  const char* stage_;
  TimeUs begin_{};
};

// How matches become issues or rows.
void tell_counting(const View& view, const char* how);
// How many issues the plan's filter was asked of.
void note_issues(const View& view, const Plan& plan, const GroupFilter& filter);
// Tells the plan with what was recorded, once the answer of so many rows is there. `source` is the
// query's text.
void describe_plan(const View& view, std::string_view source, const Plan& plan, uint64_t rows);

}  // namespace cairn::query
