#include "query/table_builder.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/assert.h"
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

double rate(double count, const BoundCall& call, double span_us) {
  if (!(span_us > 0)) return std::numeric_limits<double>::quiet_NaN();
  return count * static_cast<double>(call.period_us) / span_us;
}

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
    case RowKey::Kind::Property:
      property_.emplace(view, key.property);
      bound_ = property_->bound();
      break;
    case RowKey::Kind::Time:
      CAIRN_ASSERT(false);  // no key of rows
  }
}

uint32_t KeySpace::of_issue(GroupId issue) const {
  if (key_.kind == RowKey::Kind::Issue) return raw(issue);
  if (property_) return property_->number(issue);
  const ProjectId project = view_.state->group(issue).project;
  const auto found = std::lower_bound(projects_.begin(), projects_.end(), project);
  return static_cast<uint32_t>(found - projects_.begin() + 1);
}

Result<Cell> KeySpace::cell(uint32_t number) const {
  if (number == 0) return Cell{};
  if (key_.kind == RowKey::Kind::Issue) return Cell{view_.state->short_id(GroupId{number})};
  if (property_) return Cell{property_->name(number)};
  if (key_.kind == RowKey::Kind::Project) {
    const model::Project* project = view_.state->project(projects_[number - 1]);
    return project == nullptr ? Cell{} : Cell{project->slug};
  }
  CAIRN_TRY_ASSIGN(std::string text, view_.dictionary->value(*field_, ValueId{number}, view_.txn));
  return Cell{std::move(text)};
}

uint32_t PairIndex::intern_slowly(uint64_t pair) {
  if (pair < kDensePairs) {
    if (pair >= dense_.size()) dense_.resize(std::max<size_t>(pair + 1, dense_.size() * 2), 0);
    uint32_t& slot = dense_[pair];
    if (slot == 0) {
      pairs_.push_back(pair);
      slot = size();
    }
    return slot - 1;
  }
  if (sparse_count_ * 2 >= sparse_.size()) make_room();
  uint32_t& slot = slot_of(pair);
  if (slot == 0) {
    pairs_.push_back(pair);
    slot = size();
    ++sparse_count_;
  }
  return slot - 1;
}

// That of the pair, or an empty one for it.
uint32_t& PairIndex::slot_of(uint64_t pair) {
  constexpr uint64_t kFactor = 0x9E3779B97F4A7C15u;
  const size_t mask = sparse_.size() - 1;
  size_t at = (pair * kFactor) >> 32 & mask;
  while (sparse_[at] != 0 && pairs_[sparse_[at] - 1] != pair) at = (at + 1) & mask;
  return sparse_[at];
}

void PairIndex::make_room() {
  constexpr size_t kFirst = 1024;
  sparse_.assign(std::max(kFirst, sparse_.size() * 4), 0);
  for (uint32_t id = 0; id < pairs_.size(); ++id) {
    if (pairs_[id] >= kDensePairs) slot_of(pairs_[id]) = id + 1;
  }
}

KeyReader::KeyReader(const View& view, const KeySpace& space, const PartMatch& match)
    : view_(view), space_(space), match_(match) {
  if (space.key().kind != RowKey::Kind::Event || !space.field()) return;
  if (!match.part->has_column(*space.field())) read_postings(*space.field());
}

void KeyReader::read_postings(FieldId field) {
  from_postings_ = true;
  std::vector<Ordinal> ordinals(match_.count());
  size_t filled = 0;
  match_.for_each_block([&](const Block& block) {
    block.ordinals(ordinals.data() + filled);
    filled += block.size();
  });
  all_numbers_.resize(ordinals.size(), 0);
  const bool whole = match_.whole();
  match_.part->for_each_value(field, [&](ValueId value, const storage::Bitmap& posting) {
    for_each_common(posting, ordinals, whole, [&](uint32_t position) {
      uint32_t& number = all_numbers_[position];
      if (number == 0) {
        number = raw(value);
      } else {
        all_more_.emplace_back(position, raw(value));
      }
    });
    return go_on(match_.meter);
  });
  std::sort(all_more_.begin(), all_more_.end());
}

void KeyReader::read_issues(const Block& block) {
  std::array<FingerprintId, Block::kSize> fingerprints;
  block.fingerprints(fingerprints.data());
  FingerprintId last{};
  uint32_t number = 0;
  for (size_t i = 0; i < block.size(); ++i) {
    if (fingerprints[i] != last) {
      last = fingerprints[i];
      number = space_.of_issue(view_.root_of_fingerprint[raw(last)]);
    }
    block_[i] = number;
  }
}

void KeyReader::read(const Block& block) {
  numbers_ = block_.data();
  if (from_postings_) {
    numbers_ = all_numbers_.data() + next_position_;
    const size_t end = next_position_ + block.size();
    more_.clear();
    for (; next_more_ < all_more_.size() && all_more_[next_more_].first < end; ++next_more_) {
      const auto& [position, number] = all_more_[next_more_];
      more_.emplace_back(position - next_position_, number);
    }
    next_position_ = end;
  } else if (space_.key().kind != RowKey::Kind::Event) {
    read_issues(block);
  } else if (space_.field()) {
    std::array<ValueId, Block::kSize> values;
    block.column(*space_.field(), values.data());
    for (size_t i = 0; i < block.size(); ++i) block_[i] = raw(values[i]);
  } else {
    block_.fill(0);
  }
}

TableBuilder::TableBuilder(const View& view, const BoundTable& table, TimeUs origin, double span_us,
                           int64_t shift_us)
    : view_(view),
      table_(table),
      width_(static_cast<uint64_t>(table.every_us.value_or(1))),
      span_us_(table.every_us ? static_cast<double>(*table.every_us) : span_us),
      shift_us_(shift_us),
      held_(view.meter) {
  if (table.every_us) {
    // Of unsigned numbers: without a match `origin` is the last time there is.
    const uint64_t begin = static_cast<uint64_t>(raw(origin)) + static_cast<uint64_t>(shift_us);
    first_bucket_ = floor_divide(static_cast<int64_t>(begin), *table.every_us);
    levels_.emplace_back(UINT64_MAX);
  }
  for (const RowKey& key : table.by) {
    keys_.emplace_back(view, key);
    levels_.emplace_back(keys_.back().bound());
  }
  for (const BoundCall& call : table.calls) {
    inputs_.push_back(distinct_.size());
    if (call.computes()) {
      use_numbers(call);
    } else if (call.field) {
      distinct_.emplace_back(view, *call.field);
    }
  }
  grow();  // without keys there is one row, also for nothing
}

// Calls with the same field share its numbers.
void TableBuilder::use_numbers(const BoundCall& call) {
  const auto found =
      std::find_if(number_fields_.begin(), number_fields_.end(),
                   [&](const NumberField& one) { return one.name == call.field->name; });
  inputs_.back() = static_cast<size_t>(found - number_fields_.begin());
  if (found == number_fields_.end()) {
    NumberField& field = number_fields_.emplace_back();
    field.name = call.field->name;
    if (!call.gives_time()) field.space.emplace(view_, *call.field);
  }
  const bool keeps = call.function == BoundCall::Function::Percentile;
  number_fields_[inputs_.back()].keeps |= keeps;
}

// Each text is read as a number once, however many occurrences have it.
Result<void> TableBuilder::read_numbers() {
  if (std::exchange(numbers_read_, true)) return {};
  for (NumberField& field : number_fields_) {
    if (!field.space) continue;
    field.numbers.assign(field.space->bound(), std::numeric_limits<double>::quiet_NaN());
    if (!field.space->field()) continue;
    const auto take = [&](ValueId id, std::string_view text) {
      const auto number = parse_quantity(text);
      if (number && raw(id) < field.numbers.size()) field.numbers[raw(id)] = *number;
      return raw(id) % 256 != 0 || go_on(view_.meter);
    };
    CAIRN_TRY(view_.dictionary->scan(*field.space->field(), view_.txn, take));
  }
  return {};
}

void TableBuilder::add_numbers(const Block& block) {
  const size_t fields = number_fields_.size();
  for (size_t i = 0; i < fields; ++i) {
    const NumberField& field = number_fields_[i];
    const auto add = [&](uint32_t row, double number) {
      if (std::isnan(number)) return;
      stats_[row * fields + i].add(number, field.keeps);
      kept_ += field.keeps ? 1 : 0;
    };
    if (!field.space) {
      std::array<TimeUs, Block::kSize> times;
      block.times(times.data());
      for (const Entry& entry : entries_) {
        add(entry.row, static_cast<double>(raw(times[entry.position])));
      }
      continue;
    }
    KeyReader& reader = *number_readers_[i];
    reader.read(block);
    auto more = reader.more().begin();
    for (const Entry& entry : entries_) {
      add(entry.row, field.numbers[reader.numbers()[entry.position]]);
      while (more != reader.more().end() && more->first < entry.position) ++more;
      for (auto at = more; at != reader.more().end() && at->first == entry.position; ++at) {
        add(entry.row, field.numbers[at->second]);
      }
    }
  }
}

void TableBuilder::grow() {
  if (counts_.size() == rows()) return;
  counts_.resize(rows(), 0);
  stats_.resize(rows() * number_fields_.size());
  while (sets_.size() < rows() * distinct_.size()) {
    sets_.emplace_back(distinct_[sets_.size() % distinct_.size()].bound());
  }
}

// What sets may take at most, as distinct.h says, without asking each of them.
uint64_t TableBuilder::memory_bytes() const {
  uint64_t as_bits = 0;
  for (const KeySpace& key : distinct_) as_bits += rows() * (key.bound() / 8);
  const uint64_t sets = sets_.size() * sizeof(DistinctSet) + std::min(as_bits, added_ * 8);
  const uint64_t keys = rows() * levels_.size() * sizeof(uint64_t);
  return keys + counts_.size() * sizeof(uint64_t) + sets + stats_.size() * sizeof(NumberStats) +
         kept_ * sizeof(double);
}

void TableBuilder::split_by_time(const Block& block) {
  std::array<TimeUs, Block::kSize> times;
  block.times(times.data());
  // Of unsigned numbers, as differences of times far apart do not fit into signed ones.
  const uint64_t start =
      static_cast<uint64_t>(first_bucket_) * width_.divisor() - static_cast<uint64_t>(shift_us_);
  uint64_t bucket_start = start;  // of the bucket last seen: neighbours often share it
  uint32_t bucket_row = 0;
  bool seen = false;
  for (Entry& entry : entries_) {
    const uint64_t time = static_cast<uint64_t>(raw(times[entry.position]));
    if (!seen || time - bucket_start >= width_.divisor()) {
      const uint64_t bucket = width_(time - start);
      bucket_start = start + bucket * width_.divisor();
      bucket_row = levels_.front().intern(0, bucket);
      seen = true;
    }
    entry.row = bucket_row;
  }
}

void TableBuilder::split_by(const KeyReader& key, PairIndex& level) {
  const uint32_t* numbers = key.numbers();
  if (key.more().empty()) {
    for (Entry& entry : entries_) entry.row = level.intern(entry.row, numbers[entry.position]);
    return;
  }
  next_entries_.clear();
  auto more = key.more().begin();
  for (const Entry& entry : entries_) {
    next_entries_.push_back({entry.position, level.intern(entry.row, numbers[entry.position])});
    while (more != key.more().end() && more->first < entry.position) ++more;
    for (auto at = more; at != key.more().end() && at->first == entry.position; ++at) {
      next_entries_.push_back({entry.position, level.intern(entry.row, at->second)});
    }
  }
  entries_.swap(next_entries_);
}

void TableBuilder::count() {
  grow();
  for (const Entry& entry : entries_) ++counts_[entry.row];
  const size_t calls = distinct_.size();
  added_ += calls * entries_.size();
  for (size_t call = 0; call < calls; ++call) {
    const KeyReader& reader = distinct_readers_[call];
    const uint32_t* numbers = reader.numbers();
    DistinctSet* const sets = sets_.data() + call;
    if (reader.more().empty()) {
      for (const Entry& entry : entries_) sets[entry.row * calls].add(numbers[entry.position]);
      continue;
    }
    auto more = reader.more().begin();
    for (const Entry& entry : entries_) {
      DistinctSet& set = sets[entry.row * calls];
      set.add(numbers[entry.position]);
      while (more != reader.more().end() && more->first < entry.position) ++more;
      for (auto at = more; at != reader.more().end() && at->first == entry.position; ++at) {
        set.add(at->second);
      }
    }
  }
}

void TableBuilder::add_block(const Block& block) {
  entries_.resize(block.size());
  for (uint32_t position = 0; position < block.size(); ++position) {
    entries_[position] = {position, 0};
  }
  size_t level = 0;
  if (table_.every_us) {
    split_by_time(block);
    ++level;
  }
  for (KeyReader& key : key_readers_) {
    key.read(block);
    split_by(key, levels_[level++]);
  }
  for (KeyReader& key : distinct_readers_) key.read(block);
  count();
  add_numbers(block);
}

Result<void> TableBuilder::add(const PartMatch& match) {
  key_readers_.clear();
  distinct_readers_.clear();
  for (const KeySpace& key : keys_) key_readers_.emplace_back(view_, key, match);
  for (const KeySpace& key : distinct_) distinct_readers_.emplace_back(view_, key, match);
  CAIRN_TRY(read_numbers());
  number_readers_.clear();
  for (const NumberField& field : number_fields_) {
    number_readers_.emplace_back();
    if (field.space) number_readers_.back().emplace(view_, *field.space, match);
  }
  match.for_each_block([&](const Block& block) {
    if (rows() > kMaxTableRows || kept_ > kMaxKeptNumbers) return;
    add_block(block);
    held_.set(memory_bytes());
  });
  CAIRN_TRY(check(view_.meter));
  if (kept_ > kMaxKeptNumbers) {
    return make_error(ErrorCode::Exhausted, "Percentiles of more than " +
                                                std::to_string(kMaxKeptNumbers) +
                                                " numbers are refused; narrow the filter.");
  }
  if (rows() <= kMaxTableRows) return {};
  return make_error(ErrorCode::Exhausted,
                    "The table has more than " + std::to_string(kMaxTableRows) +
                        " rows; narrow the filter, or use fewer fields or wider buckets.");
}

double TableBuilder::answer(uint32_t row, size_t call, ScratchBits& scratch) {
  const BoundCall& bound = table_.calls[call];
  if (bound.computes()) return stats_[row * number_fields_.size() + inputs_[call]].answer(bound);
  const auto count = static_cast<double>(counts_[row]);
  switch (bound.function) {
    case BoundCall::Function::Uniq:
      return static_cast<double>(sets_[row * distinct_.size() + inputs_[call]].count(scratch));
    case BoundCall::Function::Rate:
      return rate(count, bound, span_us_);
    default:
      return count;
  }
}

RowSet TableBuilder::finish() {
  ScratchBits scratch;
  RowSet rows;
  rows.key_count = keys_.size();
  rows.value_count = table_.calls.size();
  for (uint32_t row = 0; row < counts_.size() && go_on(view_.meter); ++row) {
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
    for (size_t call = 0; call < table_.calls.size(); ++call) {
      rows.values.push_back(answer(row, call, scratch));
    }
  }
  return rows;
}

}  // namespace cairn::query
