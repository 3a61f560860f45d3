// Tables (docs/format.md, "Dictionary"):
//   Fields    field u16            -> u32 number of values, key bytes (none for builtin fields)
//   ValueIds  field u16, hash u64  -> ids u32 of the values with that hash, nearly always one
//   Values    field u16, id u32    -> value bytes
#include "storage/dictionary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "base/hash.h"
#include "model/field.h"
#include "storage/coding.h"
#include "storage/lmdb_env.h"

namespace cairn::storage {
namespace {

constexpr uint16_t kFirstTag = raw(model::field::kFirstTagField);
constexpr uint32_t kMaxValueId = UINT32_MAX - 1;
constexpr uint64_t kDefaultCacheBytes = 256u << 20;
// What a cached value costs beside its bytes: a map node and its share of the buckets.
constexpr uint64_t kEntryBytes = 64;

// Strings that stay where they are until all of them go.
class Arena {
 public:
  std::string_view store(std::string_view text) {
    if (text.size() > free_) {
      // Long values get a block of their own, so that little of a block is wasted.
      const size_t block = std::max(text.size(), kBlockBytes);
      blocks_.push_back(std::make_unique<char[]>(block));
      next_ = blocks_.back().get();
      free_ = block;
    }
    if (!text.empty()) std::memcpy(next_, text.data(), text.size());
    const std::string_view stored(next_, text.size());
    next_ += text.size();
    free_ -= text.size();
    return stored;
  }
  void take_all(Arena& from) {
    for (auto& block : from.blocks_) blocks_.push_back(std::move(block));
    next_ = std::exchange(from.next_, nullptr);
    free_ = std::exchange(from.free_, 0);
    from.blocks_.clear();
  }

 private:
  static constexpr size_t kBlockBytes = 64u << 10;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t free_ = 0;
};

uint64_t value_hash(std::string_view value) { return hash64(value); }

Key values_key(FieldId field, ValueId id) { return Key().u16(raw(field)).u32(raw(id)); }
Key ids_key(FieldId field, uint64_t hash) { return Key().u16(raw(field)).u64(hash); }

Error damaged(std::string_view what) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("dictionary: {}; rebuild the index from the log", what));
}

// The id of a value in LMDB. Txn: ReadTxn or WriteTxn.
Result<std::optional<ValueId>> find_stored(const ReadTxn& txn, FieldId field,
                                           std::string_view value) {
  using Found = std::optional<ValueId>;
  CAIRN_TRY_ASSIGN(const auto ids,
                   txn.get(Table::ValueIds, ids_key(field, value_hash(value)).view()));
  if (!ids) return Found{};
  if (ids->size() % sizeof(uint32_t) != 0) return damaged("an id list has a wrong size");
  for (size_t at = 0; at < ids->size(); at += sizeof(uint32_t)) {
    const ValueId id{load_le<uint32_t>(ids->data() + at)};
    CAIRN_TRY_ASSIGN(const auto stored, txn.get(Table::Values, values_key(field, id).view()));
    if (!stored) return damaged(fmt::format("value {}.{} is missing", raw(field), raw(id)));
    if (as_chars(*stored) == value) return Found{id};
  }
  return Found{};
}

}  // namespace

struct Dictionary::Impl {
  struct Field {
    std::string key;                                      // of a tag
    uint32_t durable = 0;                                 // ids up to here are in LMDB
    std::vector<std::string_view> fresh;                  // value of id durable + 1 + index
    std::unordered_map<std::string_view, ValueId> known;  // fresh ones and cached ones
    bool saved = false;                                   // LMDB has its Fields row
    uint32_t count() const { return durable + static_cast<uint32_t>(fresh.size()); }
  };

  std::vector<std::unique_ptr<Field>> fields;          // by raw FieldId; null: unknown
  std::unordered_map<std::string_view, FieldId> tags;  // keys point into fields
  Arena fresh_arena, cache_arena;
  uint64_t fresh_bytes = 0, cache_bytes = 0;
  uint64_t max_cache_bytes = kDefaultCacheBytes;

  const Field* find(FieldId id) const {
    return raw(id) < fields.size() ? fields[raw(id)].get() : nullptr;
  }
  Field& at(FieldId id) {
    if (fields.size() <= raw(id)) fields.resize(raw(id) + size_t{1});
    if (!fields[raw(id)]) fields[raw(id)] = std::make_unique<Field>();
    return *fields[raw(id)];
  }
  void cache(Field& field, std::string_view value, ValueId id) {
    if (cache_bytes > max_cache_bytes) drop_cache();
    field.known.emplace(cache_arena.store(value), id);
    cache_bytes += value.size() + kEntryBytes;
  }
  void drop_cache() {
    for (auto& field : fields) {
      if (!field) continue;
      std::erase_if(field->known,
                    [&](const auto& entry) { return raw(entry.second) <= field->durable; });
    }
    cache_arena = Arena();
    cache_bytes = 0;
  }
};

Dictionary::Dictionary() : impl_(std::make_unique<Impl>()) {}
Dictionary::~Dictionary() = default;

Result<void> Dictionary::load(const ReadTxn& txn) {
  bool sound = true;
  CAIRN_TRY(txn.scan(Table::Fields, {}, {}, [&](std::string_view key, auto row) {
    sound = key.size() == sizeof(uint16_t) && row.size() >= sizeof(uint32_t);
    if (!sound) return false;
    const FieldId id{key_part<uint16_t>(key, 0)};
    Impl::Field& field = impl_->at(id);
    field.durable = load_le<uint32_t>(row.data());
    field.saved = true;
    if (raw(id) < kFirstTag) return true;
    field.key = as_chars(row.subspan(sizeof(uint32_t)));
    sound = impl_->tags.emplace(field.key, id).second;
    return sound;
  }));
  // Tag fields are dense, as the next one's id is their number.
  sound = sound && (impl_->tags.empty() || impl_->fields.size() == kFirstTag + impl_->tags.size());
  if (!sound) return damaged("the field table is damaged");
  return {};
}

Result<FieldId> Dictionary::intern_tag(std::string_view key) {
  if (const auto it = impl_->tags.find(key); it != impl_->tags.end()) return it->second;
  if (impl_->tags.size() >= kMaxTagFields) {
    return make_error(ErrorCode::Exhausted,
                      fmt::format("tag '{}': the store has {} different tag keys already, the most "
                                  "it takes; put what varies into the value, not the key",
                                  key, kMaxTagFields));
  }
  const FieldId id{static_cast<uint16_t>(kFirstTag + impl_->tags.size())};
  Impl::Field& field = impl_->at(id);
  field.key = key;
  impl_->tags.emplace(field.key, id);
  return id;
}

Result<ValueId> Dictionary::intern(FieldId id, std::string_view value, const ReadTxn* txn) {
  CAIRN_ASSERT(raw(id) < kFirstTag || impl_->find(id) != nullptr);
  Impl::Field& field = impl_->at(id);
  if (const auto it = field.known.find(value); it != field.known.end()) return it->second;
  if (txn != nullptr && field.durable > 0) {
    CAIRN_TRY_ASSIGN(const auto stored, find_stored(*txn, id, value));
    if (stored) {
      impl_->cache(field, value, *stored);
      return *stored;
    }
  }
  if (field.count() >= kMaxValueId) {
    return make_error(ErrorCode::Exhausted,
                      fmt::format("field '{}' has {} different values already, the most it takes",
                                  field_name(id), kMaxValueId));
  }
  const std::string_view stored = impl_->fresh_arena.store(value);
  field.fresh.push_back(stored);
  const ValueId fresh{field.count()};
  field.known.emplace(stored, fresh);
  impl_->fresh_bytes += value.size() + kEntryBytes + sizeof stored;
  return fresh;
}

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
  if (const auto it = field->known.find(value); it != field->known.end()) {
    return std::optional(it->second);
  }
  if (txn == nullptr || field->durable == 0) return std::optional<ValueId>{};
  return find_stored(*txn, id, value);
}

Result<std::string> Dictionary::value(FieldId id, ValueId value, const ReadTxn* txn) const {
  const Impl::Field* field = impl_->find(id);
  if (field != nullptr && raw(value) > field->durable && raw(value) <= field->count()) {
    return std::string(field->fresh[raw(value) - field->durable - 1]);
  }
  if (txn != nullptr) {
    CAIRN_TRY_ASSIGN(const auto stored, txn->get(Table::Values, values_key(id, value).view()));
    if (stored) return std::string(as_chars(*stored));
  }
  return make_error(ErrorCode::NotFound,
                    fmt::format("field {} has no value with id {}", raw(id), raw(value)));
}

Result<void> Dictionary::scan(FieldId id, const ReadTxn* txn,
                              const std::function<bool(ValueId, std::string_view)>& fn) const {
  const Impl::Field* field = impl_->find(id);
  if (field == nullptr) return {};
  bool more = true;
  if (txn != nullptr) {
    const std::string prefix(Key().u16(raw(id)).view());
    bool sound = true;
    CAIRN_TRY(txn->scan(Table::Values, prefix, prefix, [&](std::string_view key, auto value) {
      sound = key.size() == sizeof(uint16_t) + sizeof(uint32_t);
      more = sound && fn(ValueId{key_part<uint32_t>(key, sizeof(uint16_t))}, as_chars(value));
      return more;
    }));
    if (!sound) return damaged("a value's key has a wrong size");
  }
  for (size_t i = 0; more && i < field->fresh.size(); ++i) {
    more = fn(ValueId{field->durable + 1 + static_cast<uint32_t>(i)}, field->fresh[i]);
  }
  return {};
}

uint32_t Dictionary::value_count(FieldId id) const {
  const Impl::Field* field = impl_->find(id);
  return field == nullptr ? 0 : field->count();
}

Result<void> Dictionary::save(WriteTxn& txn) const {
  RowWriter row;
  // By hash, so that the random half of the writes goes through the tree in order.
  std::vector<std::pair<uint64_t, ValueId>> hashes;
  for (size_t i = 0; i < impl_->fields.size(); ++i) {
    const Impl::Field* field = impl_->fields[i].get();
    if (field == nullptr || (field->saved && field->fresh.empty())) continue;
    const auto id = static_cast<FieldId>(i);
    row.clear();
    row.integer(field->count());
    CAIRN_TRY(txn.put(Table::Fields, Key().u16(raw(id)).view(), row.bytes() + field->key));
    hashes.clear();
    for (size_t k = 0; k < field->fresh.size(); ++k) {
      const ValueId value{field->durable + 1 + static_cast<uint32_t>(k)};
      CAIRN_TRY(txn.put(Table::Values, values_key(id, value).view(), field->fresh[k]));
      hashes.emplace_back(value_hash(field->fresh[k]), value);
    }
    std::sort(hashes.begin(), hashes.end());
    for (const auto& [hash, value] : hashes) {
      const Key key = ids_key(id, hash);
      CAIRN_TRY_ASSIGN(const auto others, txn.get(Table::ValueIds, key.view()));
      row.clear();
      row.integer(raw(value));
      CAIRN_TRY(txn.put(Table::ValueIds, key.view(),
                        others ? std::string(as_chars(*others)) + row.bytes() : row.bytes()));
    }
  }
  return {};
}

void Dictionary::checkpointed() {
  for (auto& field : impl_->fields) {
    if (!field) continue;
    field->saved = true;
    field->durable = field->count();
    std::vector<std::string_view>().swap(field->fresh);
  }
  impl_->cache_arena.take_all(impl_->fresh_arena);
  impl_->cache_bytes += std::exchange(impl_->fresh_bytes, 0);
  if (impl_->cache_bytes > impl_->max_cache_bytes) impl_->drop_cache();
}

uint64_t Dictionary::memory_bytes() const { return impl_->fresh_bytes + impl_->cache_bytes; }
void Dictionary::limit_cache(uint64_t bytes) { impl_->max_cache_bytes = bytes; }

}  // namespace cairn::storage
