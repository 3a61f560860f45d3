// Names and values as small integers. Fields: builtin ids (model/field.h) and tags, a tag's field
// being named "tags[KEY]"'s KEY. Values are dense per field, in order of first appearance in the
// log, so a rebuild gives the same ids.
//
// What was added since the last checkpoint lives in memory; the rest in LMDB, behind a cache for
// the writer. The writer looks in the transaction it attached; readers give theirs; nullptr =
// memory only (a store that has no index on disk: as-of views, tests).
//
// A checkpoint beside the writer: freeze() (alone) fixes what is to be written; save() writes it
// from another thread while interning and reading go on; checkpointed() (alone) ends it. Until then
// frozen values are found in memory like new ones.
//
// Thread: load, attach, intern*, freeze and checkpointed need to be alone (but beside save); const
// functions are safe to call concurrently (each thread with a transaction of its own).
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
#include "model/term_batch.h"

namespace cairn::storage {

// Different tag keys of a store; leaves room among 16-bit field ids for builtin ones to come.
inline constexpr size_t kMaxTagFields = 65'000;

class ReadTxn;
class WriteTxn;

// Values of one field with ids without a gap, their texts behind one another. Borrows the bytes.
class ValueBlock {
 public:
  ValueBlock(ValueId first, uint32_t count, const std::byte* ends, std::string_view text)
      : first_(first), count_(count), ends_(ends), text_(text) {}

  uint32_t count() const { return count_; }
  ValueId id(uint32_t index) const { return ValueId{raw(first_) + index}; }
  std::string_view text() const { return text_; }  // of all
  // Where in text() a value ends. Precondition of all of these: index < count().
  uint32_t end(uint32_t index) const;
  std::string_view value(uint32_t index) const {
    const uint32_t begin = index == 0 ? 0 : end(index - 1);
    return text_.substr(begin, end(index) - begin);
  }

 private:
  ValueId first_;
  uint32_t count_;
  const std::byte* ends_;
  std::string_view text_;
};

class Dictionary {
 public:
  Dictionary();
  ~Dictionary();
  // Shares texts with it: only the copy may be added to from then on.
  Dictionary(const Dictionary& other);
  Dictionary& operator=(const Dictionary&) = delete;

  // Reads the field table and value counters of the checkpoint. Corruption, Io.
  Result<void> load(const ReadTxn& txn);
  // From now on the writer looks up what it does not hold in memory in `txn`: it has to see the
  // last checkpoint (in an older one a value that has an id would be taken for new) and to live
  // until another is attached. nullptr: memory only. Corruption, Io.
  Result<void> attach(const ReadTxn* txn);

  // Exhausted when there are 65,000 tag keys already, or 2^32-2 values of a field. A failed call
  // changes nothing.
  Result<FieldId> intern_tag(std::string_view key);
  // `hash` is hash64(value). Precondition: the field is builtin or came from intern_tag(). Also
  // Corruption, Io.
  Result<ValueId> intern(FieldId field, std::string_view value, uint64_t hash);

  // The fields of a batch's tags, by number; 0 = not looked up yet. Begin every batch with an empty
  // one.
  using TagFields = std::vector<FieldId>;
  using Terms = std::vector<std::pair<FieldId, ValueId>>;
  // Puts the terms of the batch's occurrence `index` as ids into `terms`, which is empty or comes
  // from find(). Tag keys are known to fit before any is added, so that an occurrence refused as
  // Exhausted leaves none behind, and a rebuild, which never sees it, gives the same ids. Also
  // Corruption, Io.
  Result<void> intern(const model::TermBatch& batch, size_t index, TagFields& tags, Terms& terms);

  // The writer's look-ahead, so that the terms of many occurrences wait for memory together and not
  // one after the other: hints, then more hints, then those terms that are held in memory, the
  // others as 0. Adds nothing.
  void prefetch(const model::TermBatch& batch, size_t index, TagFields& tags);
  void prefetch_texts(const model::TermBatch& batch, size_t index, const TagFields& tags) const;
  void find(const model::TermBatch& batch, size_t index, const TagFields& tags, Terms& out);

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
  // The same in blocks, for who reads their text as one.
  Result<void> scan_blocks(FieldId field, const ReadTxn* txn,
                           const std::function<bool(const ValueBlock&)>& fn) const;
  uint32_t value_count(FieldId field) const;

  // Fixes what save() writes: everything added until now. Cheap. Precondition: nothing is frozen.
  void freeze();
  // Writes what is frozen; when nothing is, all that is new. Exhausted, Io, Corruption.
  Result<void> save(WriteTxn& txn) const;
  // The transaction of save() committed; `txn` sees it and is attached. What was frozen (or,
  // without freeze(), all that is new) is cached from now on. Corruption, Io.
  Result<void> checkpointed(const ReadTxn* txn);

  // Everything the checkpoint of `txn` holds for this dictionary: checksums, and that every value
  // is found by its text. Reads all of it. Corruption, Io.
  Result<void> check(const ReadTxn& txn) const;

  // About what is held in memory: new values (until the next checkpoint) and cached ones.
  uint64_t memory_bytes() const;
  // Beyond this, 128 MiB unless set, the cache forgets what was not asked for lately.
  void limit_cache(uint64_t bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::storage
