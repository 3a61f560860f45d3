// Tables (docs/format.md, "Dictionary"):
//   Fields    field u16                 -> u32 number of values, u32 first id of the newest row,
//                                          key bytes (none for builtin fields)
//   ValueIds  0 or a run's number u32   -> value_runs.h
//   Values    field u16, first id u32   -> u32 count, u32 end of each, their bytes
#include "storage/dictionary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "base/hash.h"
#include "model/field.h"
#include "storage/coding.h"
#include "storage/lmdb_env.h"
#include "storage/value_runs.h"
#include "storage/value_table.h"

namespace cairn::storage {
namespace {

constexpr uint16_t kFirstTag = raw(model::field::kFirstTagField);
constexpr uint32_t kMaxValueId = UINT32_MAX - 1;
// Values of a row. A larger row is begun anew, so that no single one becomes unwieldy; a smaller
// newest row is written again with what is new, so that slow fields do not get a row a checkpoint.
constexpr size_t kMaxRowBytes = 1u << 20;
constexpr size_t kRowGrowsBytes = 2u << 10;

Key values_key(FieldId field, ValueId first) { return Key().u16(raw(field)).u32(raw(first)); }

Error damaged(std::string_view what) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("dictionary: {}; rebuild the index from the log", what));
}

// Values of one field with ids without a gap.
class ValueRow {
 public:
  static std::optional<ValueRow> open(std::span<const std::byte> bytes) {
    if (bytes.size() < sizeof(uint32_t)) return std::nullopt;
    ValueRow row;
    row.count_ = load_le<uint32_t>(bytes.data());
    const uint64_t fixed = (uint64_t{row.count_} + 1) * sizeof(uint32_t);
    if (fixed > bytes.size()) return std::nullopt;
    row.ends_ = bytes.data() + sizeof(uint32_t);
    row.text_ = as_chars(bytes.subspan(fixed));
    return row;
  }
  uint32_t count() const { return count_; }
  // Whether every value lies within the text.
  bool is_sound() const {
    uint32_t before = 0;
    bool ascending = true;
    for (uint32_t i = 0; i < count_; ++i) {
      ascending &= before <= end(i);
      before = end(i);
    }
    return ascending && before <= text_.size();
  }
  // The first `count` of them. Precondition: is_sound(), count <= count().
  ValueBlock block(ValueId first, uint32_t count) const {
    const uint32_t bytes = count == 0 ? 0 : end(count - 1);
    return {first, count, ends_, text_.substr(0, bytes)};
  }
  // nullopt: the row is damaged. Precondition: index < count().
  std::optional<std::string_view> value(uint32_t index) const {
    const uint32_t begin = index == 0 ? 0 : end(index - 1);
    if (begin > end(index) || end(index) > text_.size()) return std::nullopt;
    return text_.substr(begin, end(index) - begin);
  }

 private:
  uint32_t end(uint32_t index) const {
    return load_le<uint32_t>(ends_ + size_t{index} * sizeof(uint32_t));
  }
  uint32_t count_ = 0;
  const std::byte* ends_ = nullptr;
  std::string_view text_;
};

class ValueRowBuilder {
 public:
  void add(std::string_view value) {
    text_.append(value);
    ends_.push_back(static_cast<uint32_t>(text_.size()));
  }
  bool empty() const { return ends_.empty(); }
  bool full() const { return text_.size() >= kMaxRowBytes; }
  std::string take() {
    RowWriter row;
    row.integer(static_cast<uint32_t>(ends_.size()));
    for (const uint32_t end : ends_) row.integer(end);
    std::string bytes = row.bytes() + text_;
    text_.clear();
    ends_.clear();
    return bytes;
  }

 private:
  std::string text_;
  std::vector<uint32_t> ends_;
};

// A value by its id, lent by the transaction; nullopt: there is none.
Result<std::optional<std::string_view>> stored_value(const ReadTxn& txn, FieldId field,
                                                     ValueId id) {
  using Found = std::optional<std::string_view>;
  CAIRN_TRY_ASSIGN(const auto entry, txn.floor(Table::Values, values_key(field, id).view()));
  if (!entry || entry->first.size() != sizeof(uint16_t) + sizeof(uint32_t) ||
      key_part<uint16_t>(entry->first, 0) != raw(field)) {
    return Found{};
  }
  const uint32_t index = raw(id) - key_part<uint32_t>(entry->first, sizeof(uint16_t));
  const auto row = ValueRow::open(entry->second);
  const auto value = row && index < row->count() ? row->value(index) : std::nullopt;
  if (!row || (index < row->count() && !value)) {
    return damaged(fmt::format("values of field {} are damaged", raw(field)));
  }
  return value;
}

// Among the runs' candidates the one that has this text.
Result<std::optional<ValueId>> find_stored(const ReadTxn& txn, std::span<const ValueRun> runs,
                                           FieldId field, std::string_view value, uint64_t key) {
  std::optional<ValueId> found;
  Result<void> trouble;
  for (const ValueRun& run : runs) run.prefetch(key);
  for (const ValueRun& run : runs) {
    run.find(key, [&](ValueId id) {
      // A key's 40 bits may be those of another field's value, which this field need not have.
      const auto stored = stored_value(txn, field, id);
      if (!stored.ok()) {
        trouble = stored.error();
        return false;
      }
      if (*stored && **stored == value) found = id;
      return !found;
    });
    if (!trouble.ok()) return std::move(trouble).error();
    if (found) break;
  }
  return found;
}

}  // namespace

struct Dictionary::Impl {
  struct Field {
    FieldId id{};
    std::string key;                       // of a tag
    uint32_t durable = 0;                  // ids up to here are in LMDB
    std::vector<const ValueText*> frozen;  // the ids after them, being saved
    std::vector<const ValueText*> fresh;   // the ids after those
    bool saved = false;                    // LMDB has its Fields row
    uint32_t held() const { return static_cast<uint32_t>(frozen.size() + fresh.size()); }
    uint32_t count() const { return durable + held(); }
    const ValueText* text(ValueId value) const {
      const size_t index = raw(value) - durable - size_t{1};
      return index < frozen.size() ? frozen[index] : fresh[index - frozen.size()];
    }
  };

  std::vector<std::unique_ptr<Field>> fields;          // by raw FieldId; null: unknown
  std::unordered_map<std::string_view, FieldId> tags;  // keys point into fields
  ValueTable table;
  const ReadTxn* txn = nullptr;  // attached
  std::vector<ValueRun> runs;    // in it
  ValueTable::Mark fresh_mark = 0;
  bool is_frozen = false;
  std::vector<Field*> freezing;  // what save() writes while frozen

  Impl() = default;
  Impl(const Impl& other)
      : table(other.table),
        txn(other.txn),
        runs(other.runs),
        fresh_mark(other.fresh_mark),
        is_frozen(other.is_frozen) {
    for (const auto& field : other.fields) {
      fields.push_back(field ? std::make_unique<Field>(*field) : nullptr);
    }
    for (const auto& [key, id] : other.tags) tags.emplace(fields[raw(id)]->key, id);
    for (const Field* field : other.freezing) freezing.push_back(fields[raw(field->id)].get());
  }
  Impl& operator=(const Impl&) = delete;

  const Field* find(FieldId id) const {
    return raw(id) < fields.size() ? fields[raw(id)].get() : nullptr;
  }
  Field& at(FieldId id) {
    if (fields.size() <= raw(id)) fields.resize(raw(id) + size_t{1});
    if (!fields[raw(id)]) {
      fields[raw(id)] = std::make_unique<Field>();
      fields[raw(id)]->id = id;
    }
    return *fields[raw(id)];
  }

  // What is known without looking at the disk.
  ValueText* find_held(uint64_t key, FieldId field, std::string_view value) {
    ValueText* const text = table.find(key, field, value);
    // Written once between two clean-ups: a store for every use would cost more than the search.
    if (text != nullptr && !text->asked) text->asked = true;
    return text;
  }
  Result<ValueId> intern(Field& field, std::string_view value, uint64_t key);
  Result<FieldId> intern_tag(std::string_view key);
  Result<void> find_tags(const model::TermBatch& batch, size_t index, TagFields& tags);
  void find_known_tags(const model::TermBatch& batch, size_t index, TagFields& tags) const;
  // What save() writes now.
  std::vector<const Field*> to_save() const;
  void saved();
};

Dictionary::Dictionary() : impl_(std::make_unique<Impl>()) {}
Dictionary::Dictionary(const Dictionary& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Dictionary::~Dictionary() = default;

// --- the writer -------------------------------------------------------------------------------

Result<void> Dictionary::load(const ReadTxn& txn) {
  bool sound = true;
  constexpr size_t kFixed = 2 * sizeof(uint32_t);
  CAIRN_TRY(txn.scan(Table::Fields, {}, {}, [&](std::string_view key, auto row) {
    sound = key.size() == sizeof(uint16_t) && row.size() >= kFixed;
    if (!sound) return false;
    const FieldId id{key_part<uint16_t>(key, 0)};
    Impl::Field& field = impl_->at(id);
    field.durable = load_le<uint32_t>(row.data());
    field.saved = true;
    if (raw(id) < kFirstTag) return true;
    field.key = as_chars(row.subspan(kFixed));
    sound = impl_->tags.emplace(field.key, id).second;
    return sound;
  }));
  // Tag fields are dense, as the next one's id is their number.
  sound = sound && (impl_->tags.empty() || impl_->fields.size() == kFirstTag + impl_->tags.size());
  if (!sound) return damaged("the field table is damaged");
  return {};
}

Result<void> Dictionary::attach(const ReadTxn* txn) {
  impl_->txn = nullptr;
  impl_->runs.clear();
  if (txn == nullptr) return {};
  CAIRN_TRY_ASSIGN(impl_->runs, open_runs(*txn));
  impl_->txn = txn;
  return {};
}

Result<FieldId> Dictionary::intern_tag(std::string_view key) { return impl_->intern_tag(key); }

Result<FieldId> Dictionary::Impl::intern_tag(std::string_view key) {
  if (const auto it = tags.find(key); it != tags.end()) return it->second;
  if (tags.size() >= kMaxTagFields) {
    return make_error(ErrorCode::Exhausted,
                      fmt::format("tag '{}': the store has {} different tag keys already, the most "
                                  "it takes; put what varies into the value, not the key",
                                  key, kMaxTagFields));
  }
  const FieldId id{static_cast<uint16_t>(kFirstTag + tags.size())};
  Field& field = at(id);
  field.key = key;
  tags.emplace(field.key, id);
  return id;
}

Result<ValueId> Dictionary::Impl::intern(Field& field, std::string_view value, uint64_t key) {
  if (const ValueText* held = find_held(key, field.id, value)) return ValueId{held->id};
  if (txn != nullptr && field.durable > 0) {
    CAIRN_TRY_ASSIGN(const auto stored, find_stored(*txn, runs, field.id, value, key));
    if (stored) {
      table.add(key, field.id, value, *stored);
      return *stored;
    }
  }
  if (field.count() >= kMaxValueId) {
    return make_error(ErrorCode::Exhausted,
                      fmt::format("field {} has {} different values already, the most it takes",
                                  raw(field.id), kMaxValueId));
  }
  const ValueId id{field.count() + 1};
  field.fresh.push_back(table.add(key, field.id, value, id));
  return id;
}

Result<ValueId> Dictionary::intern(FieldId id, std::string_view value, uint64_t hash) {
  CAIRN_ASSERT(raw(id) < kFirstTag || impl_->find(id) != nullptr);
  return impl_->intern(impl_->at(id), value, value_key(id, hash));
}

// The occurrence's tags that the batch does not know the field of.
Result<void> Dictionary::Impl::find_tags(const model::TermBatch& batch, size_t index,
                                         TagFields& tag_fields) {
  std::vector<uint32_t> fresh;
  find_known_tags(batch, index, tag_fields);
  for (const model::BatchTerm& term : batch.terms(index)) {
    if (!term.is_tag() || tag_fields[term.tag()] != FieldId{}) continue;
    if (std::find(fresh.begin(), fresh.end(), term.tag()) == fresh.end()) {
      fresh.push_back(term.tag());
    }
  }
  if (fresh.empty()) return {};
  if (tags.size() + fresh.size() > kMaxTagFields) {
    return make_error(
        ErrorCode::Exhausted,
        fmt::format("event.tags: the store has {} different tag keys and takes at most {}; this "
                    "event brings {} more",
                    tags.size(), kMaxTagFields, fresh.size()));
  }
  for (const uint32_t tag : fresh) {
    CAIRN_TRY_ASSIGN(tag_fields[tag], intern_tag(batch.tags()[tag]));
  }
  return {};
}

void Dictionary::Impl::find_known_tags(const model::TermBatch& batch, size_t index,
                                       TagFields& tag_fields) const {
  tag_fields.resize(batch.tags().size());
  for (const model::BatchTerm& term : batch.terms(index)) {
    if (!term.is_tag() || tag_fields[term.tag()] != FieldId{}) continue;
    const auto known = tags.find(batch.tags()[term.tag()]);
    if (known != tags.end()) tag_fields[term.tag()] = known->second;
  }
}

namespace {

// 0: a tag that is new.
FieldId field_of(const model::BatchTerm& term, const Dictionary::TagFields& tags) {
  return term.is_tag() ? tags[term.tag()] : term.field();
}

}  // namespace

void Dictionary::prefetch(const model::TermBatch& batch, size_t index, TagFields& tags) {
  impl_->find_known_tags(batch, index, tags);
  for (const model::BatchTerm& term : batch.terms(index)) {
    impl_->table.prefetch(value_key(field_of(term, tags), term.hash()));
  }
}

void Dictionary::prefetch_texts(const model::TermBatch& batch, size_t index,
                                const TagFields& tags) const {
  for (const model::BatchTerm& term : batch.terms(index)) {
    impl_->table.prefetch_text(value_key(field_of(term, tags), term.hash()));
  }
}

void Dictionary::find(const model::TermBatch& batch, size_t index, const TagFields& tags,
                      Terms& out) {
  out.clear();
  for (const model::BatchTerm& term : batch.terms(index)) {
    const FieldId field = field_of(term, tags);
    const uint64_t key = value_key(field, term.hash());
    const ValueText* const held = impl_->find_held(key, field, term.value());
    out.emplace_back(field, held == nullptr ? ValueId{} : ValueId{held->id});
    if (held != nullptr) continue;
    for (const ValueRun& run : impl_->runs) run.prefetch(key);
  }
}

Result<void> Dictionary::intern(const model::TermBatch& batch, size_t index, TagFields& tags,
                                Terms& terms) {
  const std::span<const model::BatchTerm> texts = batch.terms(index);
  const auto is_known = [](const auto& term) { return term.second != ValueId{}; };
  if (terms.size() == texts.size() && std::all_of(terms.begin(), terms.end(), is_known)) return {};
  CAIRN_TRY(impl_->find_tags(batch, index, tags));
  terms.resize(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    if (is_known(terms[i])) continue;
    auto& [field, value] = terms[i];
    field = field_of(texts[i], tags);
    CAIRN_TRY_ASSIGN(value, impl_->intern(impl_->at(field), texts[i].value(),
                                          value_key(field, texts[i].hash())));
  }
  return {};
}

// --- checkpoints ------------------------------------------------------------------------------

void Dictionary::freeze() {
  CAIRN_ASSERT(!impl_->is_frozen);
  impl_->is_frozen = true;
  for (const auto& field : impl_->fields) {
    if (!field || (field->saved && field->fresh.empty())) continue;
    field->frozen.swap(field->fresh);
    impl_->freezing.push_back(field.get());
  }
  impl_->fresh_mark = impl_->table.mark();
}

std::vector<const Dictionary::Impl::Field*> Dictionary::Impl::to_save() const {
  std::vector<const Field*> out(freezing.begin(), freezing.end());
  if (is_frozen) return out;
  for (const auto& field : fields) {
    if (field && (!field->saved || !field->fresh.empty())) out.push_back(field.get());
  }
  return out;
}

namespace {

// The rows of one field: the newest one on disk, if it is small, and all that follows.
Result<uint32_t> save_values(WriteTxn& txn, FieldId field, uint32_t durable, uint32_t newest,
                             std::span<const ValueText* const> texts) {
  ValueRowBuilder row;
  ValueId first{durable + 1};
  if (newest != 0) {
    CAIRN_TRY_ASSIGN(const auto bytes,
                     txn.get(Table::Values, values_key(field, ValueId{newest}).view()));
    const auto before = bytes ? ValueRow::open(*bytes) : std::nullopt;
    if (!before || uint64_t{newest} + before->count() != uint64_t{durable} + 1) {
      return damaged(fmt::format("the newest row of field {} is damaged", raw(field)));
    }
    if (bytes->size() < kRowGrowsBytes) {
      first = ValueId{newest};
      for (uint32_t i = 0; i < before->count(); ++i) {
        const auto value = before->value(i);
        if (!value) return damaged(fmt::format("a row of field {} is damaged", raw(field)));
        row.add(*value);
      }
    }
  }
  ValueId id{durable};
  for (const ValueText* text : texts) {
    if (row.full()) {
      CAIRN_TRY(txn.put(Table::Values, values_key(field, first).view(), row.take()));
      first = ValueId{raw(id) + 1};
    }
    row.add(text->view());
    id = ValueId{raw(id) + 1};
  }
  if (row.empty()) return newest;
  CAIRN_TRY(txn.put(Table::Values, values_key(field, first).view(), row.take()));
  return raw(first);
}

}  // namespace

Result<void> Dictionary::save(WriteTxn& txn) const {
  std::vector<RunEntry> entries;
  for (const Impl::Field* field : impl_->to_save()) {
    const std::span<const ValueText* const> texts(impl_->is_frozen ? field->frozen : field->fresh);
    const Key key = Key().u16(raw(field->id));
    CAIRN_TRY_ASSIGN(const auto before, txn.get(Table::Fields, key.view()));
    const uint32_t newest = before && before->size() >= 2 * sizeof(uint32_t)
                                ? load_le<uint32_t>(before->data() + sizeof(uint32_t))
                                : 0;
    CAIRN_TRY_ASSIGN(const uint32_t newest_row,
                     save_values(txn, field->id, field->durable, newest, texts));
    RowWriter row;
    row.integer(field->durable + static_cast<uint32_t>(texts.size())).integer(newest_row);
    CAIRN_TRY(txn.put(Table::Fields, key.view(), row.bytes() + field->key));
    for (const ValueText* text : texts) {
      entries.push_back({value_key(field->id, hash64(text->view())), ValueId{text->id}});
    }
  }
  return add_run(txn, std::move(entries));
}

void Dictionary::Impl::saved() {
  if (!is_frozen) {
    for (const Field* field : to_save()) freezing.push_back(fields[raw(field->id)].get());
    for (Field* field : freezing) field->frozen.swap(field->fresh);
    fresh_mark = table.mark();
  }
  for (Field* field : freezing) {
    field->saved = true;
    field->durable += static_cast<uint32_t>(field->frozen.size());
    std::vector<const ValueText*>().swap(field->frozen);
  }
  freezing.clear();
  is_frozen = false;
  table.unpin(fresh_mark);
}

Result<void> Dictionary::checkpointed(const ReadTxn* txn) {
  impl_->saved();
  return attach(txn);
}

// --- reading ----------------------------------------------------------------------------------

std::optional<FieldId> Dictionary::find_tag(std::string_view key) const {
  const auto it = impl_->tags.find(key);
  return it == impl_->tags.end() ? std::nullopt : std::optional(it->second);
}

std::string Dictionary::field_name(FieldId id) const {
  if (raw(id) >= kFirstTag) {
    const Impl::Field* field = impl_->find(id);
    return field == nullptr ? std::string() : field->key;
  }
  for (const model::BuiltinField& builtin : model::builtin_fields()) {
    if (builtin.id == id) return std::string(builtin.name);
  }
  return {};
}

bool Dictionary::is_tag(FieldId field) const {
  return raw(field) >= kFirstTag && impl_->find(field) != nullptr;
}

std::vector<FieldId> Dictionary::tag_fields() const {
  std::vector<FieldId> fields;
  for (size_t i = 0; i < impl_->tags.size(); ++i) {
    fields.push_back(static_cast<FieldId>(kFirstTag + i));
  }
  return fields;
}

Result<std::optional<ValueId>> Dictionary::find(FieldId id, std::string_view value,
                                                const ReadTxn* txn) const {
  const Impl::Field* field = impl_->find(id);
  if (field == nullptr) return std::optional<ValueId>{};
  const uint64_t key = value_key(id, hash64(value));
  if (const ValueText* held = impl_->table.find(key, id, value)) {
    return std::optional(ValueId{held->id});
  }
  if (txn == nullptr || field->durable == 0) return std::optional<ValueId>{};
  CAIRN_TRY_ASSIGN(const auto runs, open_runs(*txn));
  return find_stored(*txn, runs, id, value, key);
}

Result<std::string> Dictionary::value(FieldId id, ValueId value, const ReadTxn* txn) const {
  const Impl::Field* field = impl_->find(id);
  if (field != nullptr && raw(value) > field->durable && raw(value) <= field->count()) {
    return std::string(field->text(value)->view());
  }
  if (txn != nullptr) {
    CAIRN_TRY_ASSIGN(const auto stored, stored_value(*txn, id, value));
    if (stored) return std::string(*stored);
  }
  return make_error(ErrorCode::NotFound,
                    fmt::format("field {} has no value with id {}", raw(id), raw(value)));
}

uint32_t ValueBlock::end(uint32_t index) const {
  return load_le<uint32_t>(ends_ + size_t{index} * sizeof(uint32_t));
}

Result<void> Dictionary::scan_blocks(FieldId id, const ReadTxn* txn,
                                     const std::function<bool(const ValueBlock&)>& fn) const {
  const Impl::Field* field = impl_->find(id);
  if (field == nullptr) return {};
  bool more = true;
  // A newer transaction than this dictionary's may hold what is still in memory here.
  uint32_t next = 1;
  if (txn != nullptr) {
    const std::string prefix(Key().u16(raw(id)).view());
    bool sound = true;
    CAIRN_TRY(txn->scan(Table::Values, prefix, prefix, [&](std::string_view key, auto bytes) {
      const auto row = ValueRow::open(bytes);
      sound = key.size() == sizeof(uint16_t) + sizeof(uint32_t) && row &&
              key_part<uint32_t>(key, sizeof(uint16_t)) == next && row->is_sound();
      if (!sound || next > field->durable) return false;
      const uint32_t count = std::min(row->count(), field->durable - next + 1);
      more = fn(row->block(ValueId{next}, count));
      next += count;
      return more && next <= field->durable;
    }));
    if (!sound) return damaged(fmt::format("values of field {} are damaged", raw(id)));
  }
  for (uint32_t i = 0; more && i < field->held(); ++i) {
    const ValueId value{field->durable + 1 + i};
    const std::string_view text = field->text(value)->view();
    std::array<std::byte, sizeof(uint32_t)> end;
    store_le<uint32_t>(end.data(), static_cast<uint32_t>(text.size()));
    more = fn(ValueBlock(value, 1, end.data(), text));
  }
  return {};
}

Result<void> Dictionary::scan(FieldId id, const ReadTxn* txn,
                              const std::function<bool(ValueId, std::string_view)>& fn) const {
  return scan_blocks(id, txn, [&](const ValueBlock& block) {
    for (uint32_t i = 0; i < block.count(); ++i) {
      if (!fn(block.id(i), block.value(i))) return false;
    }
    return true;
  });
}

uint32_t Dictionary::value_count(FieldId id) const {
  const Impl::Field* field = impl_->find(id);
  return field == nullptr ? 0 : field->count();
}

// --- limits and checks ------------------------------------------------------------------------

uint64_t Dictionary::memory_bytes() const { return impl_->table.memory_bytes(); }
void Dictionary::limit_cache(uint64_t bytes) { impl_->table.limit(bytes); }

Result<void> Dictionary::check(const ReadTxn& txn) const {
  CAIRN_TRY_ASSIGN(const auto runs, open_runs(txn));
  for (const ValueRun& run : runs) {
    if (!run.checksum_fits()) return damaged("a value run does not fit its checksum");
  }
  for (const auto& field : impl_->fields) {
    if (!field) continue;
    uint32_t values = 0;
    Result<void> found;
    CAIRN_TRY(scan(field->id, &txn, [&](ValueId id, std::string_view value) {
      if (raw(id) > field->durable) return false;
      ++values;
      const auto stored =
          find_stored(txn, runs, field->id, value, value_key(field->id, hash64(value)));
      if (!stored.ok()) {
        found = stored.error();
      } else if (*stored != id) {
        found =
            damaged(fmt::format("value {}.{} is not found by its text", raw(field->id), raw(id)));
      }
      return found.ok();
    }));
    CAIRN_TRY(found);
    if (values != field->durable) {
      return damaged(
          fmt::format("field {} has {} values, not {}", raw(field->id), values, field->durable));
    }
  }
  return {};
}

}  // namespace cairn::storage
