// Names and values as small integers. Fields: builtin ids (model/field.h) and tags, a tag's field
// being named "tags[KEY]"'s KEY. Values are dense per field, in order of first appearance in the
// log, so a rebuild gives the same ids.
//
// What was added since the last checkpoint lives in memory; the rest in LMDB, behind a cache for
// the writer. Functions take the read transaction to look in; nullptr = memory only (a store that
// has no index on disk: as-of views, tests).
//
// A transaction given here must see the last checkpoint: with an older one a value that has an id
// would be taken for new.
//
// Thread: load, intern_* and checkpointed need to be alone; const functions are safe to call
// concurrently (each thread with a transaction of its own).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace cairn::storage {

// Different tag keys of a store; leaves room among 16-bit field ids for builtin ones to come.
inline constexpr size_t kMaxTagFields = 65'000;

class ReadTxn;
class WriteTxn;

class Dictionary {
 public:
  Dictionary();
  ~Dictionary();
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;

  // Reads the field table and value counters of the checkpoint. Corruption, Io.
  Result<void> load(const ReadTxn& txn);

  // Exhausted when there are 65,000 tag keys already, or 2^32-2 values of a field. A failed call
  // changes nothing.
  Result<FieldId> intern_tag(std::string_view key);
  // Precondition: the field is builtin or came from intern_tag(). Also Corruption, Io.
  Result<ValueId> intern(FieldId field, std::string_view value, const ReadTxn* txn);

  std::optional<FieldId> find_tag(std::string_view key) const;
  // "" for an unknown id; builtin names for builtin ids; the bare key for tags.
  std::string field_name(FieldId field) const;
  bool is_tag(FieldId field) const;
  std::vector<FieldId> tag_fields() const;

  Result<std::optional<ValueId>> find(FieldId field, std::string_view value,
                                      const ReadTxn* txn) const;
  Result<std::string> value(FieldId field, ValueId id, const ReadTxn* txn) const;  // NotFound
  // Every value of a field, ascending by id, until fn returns false.
  Result<void> scan(FieldId field, const ReadTxn* txn,
                    const std::function<bool(ValueId, std::string_view)>& fn) const;
  uint32_t value_count(FieldId field) const;

  // Writes what is new, sorted. After the transaction committed call checkpointed(), which moves
  // the new entries to the cache.
  Result<void> save(WriteTxn& txn) const;
  void checkpointed();

  // About what is held in memory: new entries (until the next checkpoint) and cached ones.
  uint64_t memory_bytes() const;
  // The cache of known values may grow to this before it is dropped as a whole; 256 MiB unless
  // set.
  void limit_cache(uint64_t bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::storage
