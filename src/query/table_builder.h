// Groups matching occurrences into the rows of a table, by numbers only: dictionary ids, issues,
// projects and time buckets. Names come later, for the rows that are shown (aggregate.cc).
// Thread: one at a time; borrows view and table.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "query/binder.h"
#include "query/distinct.h"
#include "query/divider.h"
#include "query/executor.h"
#include "query/issue_property.h"
#include "query/number_stats.h"
#include "query/view.h"

namespace cairn::query {

// Rows a table may have before its limit is applied. Beyond: Exhausted. Counts alone, by one field
// or by what issues are, may have more: their memory limits them.
inline constexpr uint32_t kMaxTableRows = 1u << 20;
// Numbers kept for percentiles, 8 bytes each. Beyond: Exhausted.
inline constexpr uint64_t kMaxKeptNumbers = 1u << 25;

// Numbers for what a row key can be: value ids, group ids, or positions among the projects + 1.
// 0 = no value.
class KeySpace {
 public:
  KeySpace(const View& view, const RowKey& key);

  const RowKey& key() const { return key_; }
  // nullopt: a tag nobody has, or no event field.
  std::optional<FieldId> field() const { return field_; }
  uint64_t bound() const { return bound_; }  // every number is below
  uint32_t of_issue(GroupId issue) const;    // precondition: key().of_issue()
  Result<Cell> cell(uint32_t number) const;  // as shown

 private:
  const View& view_;
  const RowKey& key_;
  std::optional<FieldId> field_;
  std::vector<ProjectId> projects_;
  std::optional<IssueProperty> property_;
  uint64_t bound_ = 1;
};

// Rows side by side: row r has buckets[r], keys[r * key_count ..] and values[r * value_count ..].
struct RowSet {
  size_t key_count = 0;
  size_t value_count = 0;
  std::vector<TimeUs> buckets;  // empty unless there are buckets
  std::vector<uint32_t> keys;
  std::vector<double> values;  // counts, too: exact up to 2^53; NaN = none

  size_t size() const { return value_count == 0 ? 0 : values.size() / value_count; }
  uint64_t memory_bytes() const {
    return buckets.size() * sizeof(TimeUs) + keys.size() * sizeof(uint32_t) +
           values.size() * sizeof(double);
  }
};

// Numbers (parent, value) pairs in order of appearance.
class PairIndex {
 public:
  explicit PairIndex(uint64_t bound) : bound_(bound) {}
  uint32_t intern(uint32_t parent, uint64_t value) {
    const uint64_t pair = parent * bound_ + value;
    if (pair < dense_.size() && dense_[pair] != 0) return dense_[pair] - 1;
    return intern_slowly(pair);
  }
  uint32_t size() const { return static_cast<uint32_t>(pairs_.size()); }
  uint32_t parent(uint32_t id) const { return static_cast<uint32_t>(pairs_[id] / bound_); }
  uint64_t value(uint32_t id) const { return pairs_[id] % bound_; }

 private:
  uint32_t intern_slowly(uint64_t pair);
  uint32_t& slot_of(uint64_t pair);
  void make_room();

  uint64_t bound_;
  std::vector<uint64_t> pairs_;
  std::vector<uint32_t> dense_;   // id + 1 of small pairs, 0 = none
  std::vector<uint32_t> sparse_;  // of the others, by hash: a power of two, at most half full
  size_t sparse_count_ = 0;
};

// The numbers of one key for the matches of a part, block by block.
class KeyReader {
 public:
  KeyReader(const View& view, const KeySpace& space, const PartMatch& match);
  // Blocks come as match.for_each_block gives them.
  void read(const Block& block);
  // Of the block last read, by position in it.
  const uint32_t* numbers() const { return numbers_; }
  // Further numbers, for fields with several values: (position in the block, number), ascending.
  std::span<const std::pair<uint32_t, uint32_t>> more() const { return more_; }

 private:
  void read_postings(FieldId field);
  void read_issues(const Block& block);

  const View& view_;
  const KeySpace& space_;
  const PartMatch& match_;
  std::array<uint32_t, Block::kSize> block_;
  const uint32_t* numbers_ = nullptr;
  std::vector<std::pair<uint32_t, uint32_t>> more_;
  // A field without a column: all matches of the part at once, by position among them.
  bool from_postings_ = false;
  size_t next_position_ = 0;
  std::vector<uint32_t> all_numbers_;
  std::vector<std::pair<uint32_t, uint32_t>> all_more_;
  size_t next_more_ = 0;
};

// Of a call rate(PERIOD) over so long a time; NaN when that is none.
double rate(double count, const BoundCall& call, double span_us);

// Any table, one block of occurrences after the other.
class TableBuilder {
 public:
  // `origin`: no occurrence is earlier. `span_us`: the time that rate() is about, but for `every`.
  // `shift_us` is added to times before they are put into buckets.
  TableBuilder(const View& view, const BoundTable& table, TimeUs origin, double span_us,
               int64_t shift_us = 0);
  // Errors: Exhausted (too many rows, too many numbers to keep), Corruption, Io (dictionary).
  Result<void> add(const PartMatch& match);
  RowSet finish();

 private:
  // An occurrence, by its position in the block, under one combination of keys.
  struct Entry {
    uint32_t position;
    uint32_t row;
  };

  void add_block(const Block& block);
  // A field that calls compute with: its numbers by value id, NaN for other texts.
  struct NumberField {
    std::string name;
    std::optional<KeySpace> space;  // nullopt: the time of the occurrence
    std::vector<double> numbers;
    bool keeps = false;  // every number, for percentiles
  };

  void use_numbers(const BoundCall& call);
  Result<void> read_numbers();
  void add_numbers(const Block& block);
  double answer(uint32_t row, size_t call, ScratchBits& scratch);
  void split_by_time(const Block& block);
  void split_by(const KeyReader& key, PairIndex& level);
  void count();
  void grow();  // counts and sets for all rows
  uint64_t memory_bytes() const;
  uint64_t rows() const { return levels_.empty() ? 1 : levels_.back().size(); }

  const View& view_;
  const BoundTable& table_;
  Divider width_;  // of buckets
  double span_us_;
  int64_t shift_us_;
  int64_t first_bucket_ = 0;
  std::vector<KeySpace> keys_;
  std::vector<KeySpace> distinct_;
  std::vector<PairIndex> levels_;  // the bucket, when there is one, then the keys
  std::vector<KeyReader> key_readers_;
  std::vector<KeyReader> distinct_readers_;
  std::vector<NumberField> number_fields_;
  std::vector<std::optional<KeyReader>> number_readers_;
  std::vector<size_t> inputs_;  // by call: its distinct set or field of numbers
  bool numbers_read_ = false;
  uint64_t kept_ = 0;   // numbers, of all rows
  uint64_t added_ = 0;  // values, to sets
  Holding held_;
  std::vector<Entry> entries_;
  std::vector<Entry> next_entries_;
  std::vector<uint64_t> counts_;    // by row
  std::vector<DistinctSet> sets_;   // by row and distinct call
  std::vector<NumberStats> stats_;  // by row and field of numbers
};

}  // namespace cairn::query
