// Finds the filters that an occurrence matches without asking all of them.
//
//   occurrence ── its terms, its project ──► filters that need one of these ──► the few are asked
//
// Of each filter the index chooses what an occurrence must have to match: one of a few (field,
// value) terms, the rarest choice the filter leaves, within its projects; or at least the project.
// Filters that need nothing (a negation or a pattern of all projects) are asked every time.
// Conditions are kept once, whichever filters have them, and asked once an occurrence.
//
// Memory: 210 to 280 bytes a filter of two or three conditions among a thousand to a million others
// (bench/alert_bench.cc tells), 480 where none shares a condition with another.
// Thread: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/block_vector.h"
#include "base/hash.h"
#include "base/id_list.h"
#include "base/ids.h"
#include "base/slot_map.h"
#include "query/bound.h"
#include "query/predicate.h"

namespace cairn::alert {

enum class FilterId : uint32_t {};

// A filter is found by at most so many terms; one that needs more of them is found by its projects.
inline constexpr size_t kMaxTermsOfFilter = 64;
// Filters of more projects are found by the term alone, and asked for theirs.
inline constexpr size_t kMaxIndexedProjects = 8;

// How many occurrences have the value, in any unit: what is rarer finds a filter better.
using Frequency = std::function<double(const query::EventField&, std::string_view value)>;
// What fields are like where nothing is known of their values.
double usual_frequency(const query::EventField& field, std::string_view value);

class PredicateIndex {
 public:
  // Preconditions: the id is not in use; projects are ascending, empty = all.
  void add(FilterId id, const query::Expr& filter, std::span<const ProjectId> projects,
           const Frequency& frequency = usual_frequency);
  // Precondition: the id is in use.
  void remove(FilterId id);

  // Calls fn(FilterId) for each filter that matches, in no order that means anything. Precondition:
  // the terms are all that TermExtractor gives.
  template <class F>
  void for_each_match(const query::Subject& subject, const F& fn) {
    ++now_;
    ++figures_.occurrences;
    gather(subject);
    figures_.asked += candidates_.size();
    for (const FilterId id : candidates_) {
      if (!matches(id, subject)) continue;
      ++figures_.matched;
      fn(id);
    }
  }

  struct Figures {
    size_t filters = 0;
    size_t scanned = 0;     // those asked every time
    size_t conditions = 0;  // different ones
    uint64_t occurrences = 0;
    uint64_t asked = 0;  // filters, over all occurrences
    uint64_t matched = 0;
  };
  const Figures& figures() const { return figures_; }
  size_t memory_bytes() const;

 private:
  // A filter as words, each node before its children: the kind in the two upper bits, below them
  // which condition a test is, or how many words the children have.
  enum class Word : uint32_t { Test = 0, And = 1, Or = 2, Not = 3 };
  // What an occurrence asks of a filter, in one line of the processor's cache: what it costs to ask
  // is waiting for memory.
  struct alignas(64) Entry {
    static constexpr size_t kFewWords = 10;
    uint64_t met = 0;  // the last now_ in which it was a candidate
    ProjectId project{};
    uint32_t projects = 0;  // 0: any; 1: that one; more: those of Rest
    uint32_t words = 0;     // 0: everything matches; more than kFewWords: they are in Rest
    std::array<uint32_t, kFewWords> few_words{};
  };
  struct Rest {
    std::vector<uint32_t> words;
    std::vector<ProjectId> projects;
    std::vector<uint64_t> keys;
    std::vector<uint64_t> named;  // fields of its keys
    bool scanned = false;
    bool in_projects = false;  // its keys are of one project each
    bool used = false;
  };
  struct Condition {
    query::Expr test;
    Hash128 identity;
    uint32_t uses = 0;
  };
  struct IdentityHash {
    size_t operator()(const Hash128& identity) const { return identity.low; }
  };
  struct Cover;

  static std::optional<Cover> cover(const query::Expr& expr, bool negated,
                                    const Frequency& frequency);
  static void choose_keys(Rest& rest, const query::Expr& filter,
                          std::span<const ProjectId> projects, const Frequency& frequency);
  void link(FilterId id, const Rest& rest);
  void unlink(FilterId id, const Rest& rest);
  void name(uint64_t field, int by);
  bool is_named(uint64_t field) const;
  void compile(const query::Expr& expr, std::vector<uint32_t>& words);
  uint32_t condition_of(const query::Expr& test);
  void release(uint32_t condition);
  void gather(const query::Subject& subject);
  void meet_all_of(uint64_t key);
  void meet(FilterId id);
  std::span<const uint32_t> words_of(FilterId id) const;
  bool matches(FilterId id, const query::Subject& subject);
  bool holds(std::span<const uint32_t> words, size_t& at, const query::Subject& subject);
  bool ask(uint32_t condition, const query::Subject& subject);
  void rebuild_keys();

  std::vector<Entry> entries_;  // by id
  BlockVector<Rest> rests_;     // the same
  std::vector<FilterId> scanned_;
  SlotMap<uint64_t> slots_;  // key -> lists_
  std::vector<IdList<FilterId>> lists_;
  size_t dead_lists_ = 0;  // empty ones
  // By how many filters' keys a field is named: terms of others are not looked up.
  std::array<uint32_t, 64> named_builtins_{};
  std::unordered_map<uint64_t, uint32_t> named_tags_;
  size_t with_project_ = 0;  // filters found by keys of one project
  size_t of_all_ = 0;        // and by keys of all
  BlockVector<Condition> conditions_;
  std::vector<uint64_t> answers_;  // of these: twice the now_ of it, and 1 for yes
  std::vector<uint32_t> free_conditions_;
  std::unordered_map<Hash128, uint32_t, IdentityHash> known_conditions_;
  uint64_t now_ = 0;
  std::vector<FilterId> candidates_;
  Figures figures_;
};

}  // namespace cairn::alert
