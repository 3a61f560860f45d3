#include "query/table_builder.h"

#include <algorithm>

#include "model/field.h"

namespace cairn::query {
namespace {

// Pairs below this are found by a flat array.
constexpr uint64_t kDensePairs = 1u << 22;

int64_t floor_divide(int64_t value, int64_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

// The first position >= from whose ordinal is >= wanted. Doubling steps: cheap when it is near.
size_t gallop(const std::vector<Ordinal>& ordinals, size_t from, Ordinal wanted) {
  size_t step = 1;
  size_t low = from;
  while (low + step < ordinals.size() && ordinals[low + step] < wanted) {
    low += step;
    step *= 2;
  }
  const size_t high = std::min(low + step + 1, ordinals.size());
  const auto begin = ordinals.begin();
  return static_cast<size_t>(std::lower_bound(begin + static_cast<ptrdiff_t>(low),
                                              begin + static_cast<ptrdiff_t>(high), wanted) -
                             begin);
}

// fn(position) for every matched ordinal in the posting, ascending.
template <class F>
void for_each_common(const storage::Bitmap& posting, const std::vector<Ordinal>& ordinals, bool all,
                     F&& fn) {
  if (all) {
    posting.for_each([&](Ordinal ordinal) { fn(ordinal); });
    return;
  }
  if (posting.cardinality() > ordinals.size()) {
    for (uint32_t i = 0; i < ordinals.size(); ++i) {
      if (posting.contains(ordinals[i])) fn(i);
    }
    return;
  }
  size_t position = 0;
  posting.for_each_in(0, UINT32_MAX, [&](Ordinal ordinal) {
    position = gallop(ordinals, position, ordinal);
    if (position == ordinals.size()) return false;
    if (ordinals[position] == ordinal) fn(static_cast<uint32_t>(position));
    return true;
  });
}

}  // namespace

KeySpace::KeySpace(const View& view, const RowKey& key) : view_(view), key_(key) {
  switch (key.kind) {
    case RowKey::Kind::Event:
      if (key.field.id != FieldId{0}) {
        field_ = key.field.id;
      } else {
        field_ = view.dictionary->find_tag(key.field.tag);
      }
      if (field_) bound_ = uint64_t{view.dictionary->value_count(*field_)} + 1;
      break;
    case RowKey::Kind::Issue:
      bound_ = uint64_t{view.state->group_count()} + 1;
      break;
    case RowKey::Kind::Project:
      for (const auto& [id, project] : view.state->projects()) projects_.push_back(id);
      bound_ = projects_.size() + 1;
      break;
  }
}

uint32_t KeySpace::of_issue(GroupId issue) const {
  if (key_.kind == RowKey::Kind::Issue) return raw(issue);
  const ProjectId project = view_.state->group(issue).project;
  const auto found = std::lower_bound(projects_.begin(), projects_.end(), project);
  return static_cast<uint32_t>(found - projects_.begin() + 1);
}

Result<Cell> KeySpace::cell(uint32_t number) const {
  if (number == 0) return Cell{};
  if (key_.kind == RowKey::Kind::Issue) return Cell{view_.state->short_id(GroupId{number})};
  if (key_.kind == RowKey::Kind::Project) {
    const model::Project* project = view_.state->project(projects_[number - 1]);
    return project == nullptr ? Cell{} : Cell{project->slug};
  }
  CAIRN_TRY_ASSIGN(std::string text, view_.dictionary->value(*field_, ValueId{number}, view_.txn));
  return Cell{std::move(text)};
}

uint32_t PairIndex::intern(uint32_t parent, uint64_t value) {
  const uint64_t pair = parent * bound_ + value;
  uint32_t* slot = nullptr;
  if (pair < kDensePairs) {
    if (pair >= dense_.size()) dense_.resize(std::max<size_t>(pair + 1, dense_.size() * 2), 0);
    slot = &dense_[pair];
  } else {
    slot = &sparse_[pair];
  }
  if (*slot == 0) {
    pairs_.push_back(pair);
    *slot = size();
  }
  return *slot - 1;
}

TableBuilder::TableBuilder(const View& view, const BoundTable& table, TimeUs origin)
    : view_(view), table_(table) {
  if (table.every_us) {
    first_bucket_ = floor_divide(raw(origin), *table.every_us);
    levels_.emplace_back(UINT64_MAX);
  }
  for (const RowKey& key : table.by) {
    keys_.emplace_back(view, key);
    levels_.emplace_back(keys_.back().bound());
  }
  for (const BoundCall& call : table.calls) {
    if (call.distinct) distinct_.emplace_back(view, *call.distinct);
  }
  if (levels_.empty()) {  // one row, also for nothing
    counts_.push_back(0);
    sets_.resize(distinct_.size());
  }
}

uint64_t TableBuilder::bucket(TimeUs time) const {
  return static_cast<uint64_t>(floor_divide(raw(time), *table_.every_us) - first_bucket_);
}

void TableBuilder::read_postings(FieldId field, const Matched& matched, KeyColumn& column) const {
  const bool all = !matched.match.bitmap;
  matched.match.part->for_each_value(field, [&](ValueId value, const storage::Bitmap& posting) {
    for_each_common(posting, matched.ordinals, all, [&](uint32_t position) {
      uint32_t& number = column.numbers[position];
      if (number == 0) {
        number = raw(value);
      } else {
        column.more.emplace_back(position, raw(value));
      }
    });
    return true;
  });
  std::sort(column.more.begin(), column.more.end());
}

TableBuilder::KeyColumn TableBuilder::read_column(const KeySpace& space,
                                                  const Matched& matched) const {
  KeyColumn column;
  column.numbers.resize(matched.ordinals.size(), 0);
  const storage::Part& part = *matched.match.part;
  if (space.key().kind != RowKey::Kind::Event) {
    for (size_t i = 0; i < matched.ordinals.size(); ++i) {
      const FingerprintId fingerprint = part.fingerprint(matched.ordinals[i]);
      column.numbers[i] = space.of_issue(view_.root_of_fingerprint[raw(fingerprint)]);
    }
  } else if (space.field() == model::field::kUser) {
    for (size_t i = 0; i < matched.ordinals.size(); ++i) {
      column.numbers[i] = raw(part.user(matched.ordinals[i]));
    }
  } else if (space.field()) {
    read_postings(*space.field(), matched, column);
  }
  return column;
}

template <class F>
void TableBuilder::for_each_number(KeyColumn& column, uint32_t position, F&& fn) {
  fn(column.numbers[position]);
  auto& more = column.more;
  size_t& next = column.next_more;
  while (next < more.size() && more[next].first < position) ++next;
  for (size_t i = next; i < more.size() && more[i].first == position; ++i) fn(more[i].second);
}

void TableBuilder::count(uint32_t position, uint32_t row) {
  if (row >= counts_.size()) {
    counts_.resize(row + size_t{1}, 0);
    sets_.resize(counts_.size() * distinct_.size());
  }
  ++counts_[row];
  for (size_t i = 0; i < distinct_.size(); ++i) {
    DistinctSet& set = sets_[row * distinct_.size() + i];
    for_each_number(distinct_columns_[i], position, [&](uint32_t number) {
      if (number != 0) set.add(number);
    });
  }
}

void TableBuilder::add_row(uint32_t position, size_t depth, uint32_t parent) {
  if (depth == keys_.size()) return count(position, parent);
  PairIndex& level = levels_[depth + (table_.every_us ? 1 : 0)];
  for_each_number(key_columns_[depth], position, [&](uint32_t number) {
    add_row(position, depth + 1, level.intern(parent, number));
  });
}

Result<void> TableBuilder::add(const PartMatch& match) {
  std::vector<Ordinal> ordinals;
  ordinals.reserve(match.count());
  match.for_each([&](Ordinal ordinal) { ordinals.push_back(ordinal); });
  const Matched matched{match, ordinals};
  key_columns_.clear();
  distinct_columns_.clear();
  for (const KeySpace& key : keys_) key_columns_.push_back(read_column(key, matched));
  for (const KeySpace& key : distinct_) distinct_columns_.push_back(read_column(key, matched));
  for (uint32_t i = 0; i < ordinals.size(); ++i) {
    uint32_t parent = 0;
    if (table_.every_us) {
      parent = levels_.front().intern(0, bucket(match.part->time(ordinals[i])));
    }
    add_row(i, 0, parent);
    if (counts_.size() > kMaxTableRows) {
      return make_error(ErrorCode::Exhausted,
                        "The table has more than " + std::to_string(kMaxTableRows) +
                            " rows; narrow the filter, or use fewer fields or wider buckets.");
    }
  }
  return {};
}

RowSet TableBuilder::finish() {
  RowSet rows;
  rows.key_count = keys_.size();
  rows.value_count = table_.calls.size();
  for (uint32_t row = 0; row < counts_.size(); ++row) {
    rows.keys.resize((row + size_t{1}) * keys_.size());
    uint32_t id = row;
    for (size_t depth = keys_.size(); depth-- > 0;) {
      const PairIndex& level = levels_[depth + (table_.every_us ? 1 : 0)];
      rows.keys[row * keys_.size() + depth] = static_cast<uint32_t>(level.value(id));
      id = level.parent(id);
    }
    if (table_.every_us) {
      const auto index = static_cast<int64_t>(levels_.front().value(id)) + first_bucket_;
      rows.buckets.push_back(TimeUs{index * *table_.every_us});
    }
    size_t next_set = row * distinct_.size();
    for (const BoundCall& call : table_.calls) {
      rows.values.push_back(call.distinct ? sets_[next_set++].count() : counts_[row]);
    }
  }
  return rows;
}

}  // namespace cairn::query
