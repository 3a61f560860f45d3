// Groups matching occurrences into the rows of a table, by numbers only: dictionary ids, issues,
// projects and time buckets. Names come later, for the rows that are shown (aggregate.cc).
// Thread: one at a time; borrows view and table.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "query/binder.h"
#include "query/distinct.h"
#include "query/executor.h"
#include "query/view.h"

namespace cairn::query {

// Rows a table may have before its limit is applied. Beyond: Exhausted.
inline constexpr uint32_t kMaxTableRows = 1u << 20;

// Numbers for what a row key can be: value ids, group ids, or positions among the projects + 1.
// 0 = no value.
class KeySpace {
 public:
  KeySpace(const View& view, const RowKey& key);

  const RowKey& key() const { return key_; }
  // nullopt: a tag nobody has, or no event field.
  std::optional<FieldId> field() const { return field_; }
  uint64_t bound() const { return bound_; }  // every number is below
  uint32_t of_issue(GroupId issue) const;    // Kind::Issue and Kind::Project
  Result<Cell> cell(uint32_t number) const;  // as shown

 private:
  const View& view_;
  const RowKey& key_;
  std::optional<FieldId> field_;
  std::vector<ProjectId> projects_;
  uint64_t bound_ = 1;
};

// Rows side by side: row r has buckets[r], keys[r * key_count ..] and values[r * value_count ..].
struct RowSet {
  size_t key_count = 0;
  size_t value_count = 0;
  std::vector<TimeUs> buckets;  // empty unless there are buckets
  std::vector<uint32_t> keys;
  std::vector<uint64_t> values;

  size_t size() const { return value_count == 0 ? 0 : values.size() / value_count; }
};

// Numbers (parent, value) pairs in order of appearance.
class PairIndex {
 public:
  explicit PairIndex(uint64_t bound) : bound_(bound) {}
  uint32_t intern(uint32_t parent, uint64_t value);
  uint32_t size() const { return static_cast<uint32_t>(pairs_.size()); }
  uint32_t parent(uint32_t id) const { return static_cast<uint32_t>(pairs_[id] / bound_); }
  uint64_t value(uint32_t id) const { return pairs_[id] % bound_; }

 private:
  uint64_t bound_;
  std::vector<uint64_t> pairs_;
  std::vector<uint32_t> dense_;  // id + 1 of small pairs, 0 = none
  std::unordered_map<uint64_t, uint32_t> sparse_;
};

// Any table, one occurrence after the other.
class TableBuilder {
 public:
  // `origin`: no occurrence is earlier.
  TableBuilder(const View& view, const BoundTable& table, TimeUs origin);
  // Errors: Exhausted (too many rows).
  Result<void> add(const PartMatch& match);
  RowSet finish();
  const std::vector<KeySpace>& keys() const { return keys_; }

 private:
  // The numbers of one key for the matches of a part, by position among them.
  struct KeyColumn {
    std::vector<uint32_t> numbers;
    // Further numbers of occurrences with several values, ascending by position.
    std::vector<std::pair<uint32_t, uint32_t>> more;
    size_t next_more = 0;
  };
  struct Matched {
    const PartMatch& match;
    const std::vector<Ordinal>& ordinals;
  };

  KeyColumn read_column(const KeySpace& space, const Matched& matched) const;
  void read_postings(FieldId field, const Matched& matched, KeyColumn& column) const;
  // fn for the number of the position and its further ones.
  template <class F>
  static void for_each_number(KeyColumn& column, uint32_t position, F&& fn);
  void add_row(uint32_t position, size_t depth, uint32_t parent);
  void count(uint32_t position, uint32_t row);
  uint64_t bucket(TimeUs time) const;

  const View& view_;
  const BoundTable& table_;
  int64_t first_bucket_ = 0;
  std::vector<KeySpace> keys_;
  std::vector<KeySpace> distinct_;
  std::vector<PairIndex> levels_;  // the bucket, when there is one, then the keys
  std::vector<KeyColumn> key_columns_;
  std::vector<KeyColumn> distinct_columns_;
  std::vector<uint64_t> counts_;   // by row
  std::vector<DistinctSet> sets_;  // by row and distinct call
};

}  // namespace cairn::query
