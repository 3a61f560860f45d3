// Merge experiments as the state keeps them: a name and, step by step, which groups go below which.
//
// A step is what a rule found when it was added, never the rule itself: folding it costs nothing,
// and the same log gives the same experiment. What the steps mean for the forest as it is now says
// overlay.h. Values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace cairn::model {

// Views and the children that go below them, or leave them. One array, since there may be many.
class ViewLinks {
 public:
  void add(GroupId view, std::span<const GroupId> children) {
    words_.push_back(view);
    words_.push_back(GroupId{static_cast<uint32_t>(children.size())});
    words_.insert(words_.end(), children.begin(), children.end());
    children_ += children.size();
  }
  void add(GroupId view, GroupId child) { add(view, std::span(&child, 1)); }

  bool empty() const { return words_.empty(); }
  size_t children() const { return children_; }  // over all views
  size_t words() const { return words_.size(); }

  // Calls fn(GroupId view, GroupId child), in order.
  template <class F>
  void for_each(F&& fn) const {
    for_each_view([&](GroupId view, std::span<const GroupId> children) {
      for (const GroupId child : children) fn(view, child);
    });
  }
  // Calls fn(GroupId view, std::span<const GroupId> children), in order.
  template <class F>
  void for_each_view(F&& fn) const {
    for (size_t at = 0; at < words_.size();) {
      const size_t count = raw(words_[at + 1]);
      fn(words_[at], std::span(words_).subspan(at + 2, count));
      at += 2 + count;
    }
  }

  bool operator==(const ViewLinks&) const = default;

 private:
  std::vector<GroupId> words_;  // view, number of children, children; and so on
  size_t children_ = 0;
};

// Links to cut, then links to make.
struct Regrouping {
  ViewLinks cuts;
  ViewLinks merges;

  bool empty() const { return cuts.empty() && merges.empty(); }
  size_t children() const { return cuts.children() + merges.children(); }
  size_t words() const { return cuts.words() + merges.words(); }
  bool operator==(const Regrouping&) const = default;
};

struct ExperimentStep {
  std::string rule;  // as it was written, for people
  Lsn added{};
  Regrouping facts;
  bool operator==(const ExperimentStep&) const = default;
};

struct Experiment {
  std::string name;
  Lsn at{};  // rules are evaluated on the store as of this record; 0 = as it is
  Lsn created{};
  Lsn promoted{};  // the last time; 0 = never
  std::vector<ExperimentStep> steps;
  // What was promoted belongs to the base, and people go on from there: applied once more, steps
  // that undo one another would regroup it anew.
  bool is_promoted(const ExperimentStep& step) const {
    return promoted != Lsn{} && step.added <= promoted;
  }
  bool operator==(const Experiment&) const = default;
};

// Rows of the index that a change of an experiment leaves to be written.
struct ExperimentChange {
  uint32_t rows_before = 0;  // in the index; row 0 says what the experiment is, the rest are steps
  uint32_t first_step = 0;   // changed or new
};

inline constexpr size_t kMaxExperiments = 10'000;
inline constexpr size_t kMaxExperimentNameBytes = 64;
inline constexpr size_t kMaxExperimentSteps = 1'000;
inline constexpr size_t kMaxRuleBytes = 64u << 10;
// Groups named by the steps of all experiments, four bytes each in memory.
inline constexpr size_t kMaxExperimentGroups = 32u << 20;
// Groups that one record regroups: far below the log's frame limit.
inline constexpr size_t kMaxRegroupedGroups = 4u << 20;

// 1 to 64 of A-Z a-z 0-9 . _ -
bool valid_experiment_name(std::string_view name);

}  // namespace cairn::model
