// Value -> id on disk: sorted runs of (key, id), one for what a checkpoint added, merged as they
// become many. A run is never changed, so that a new value costs the bytes of its own entry and
// those of few merges, not a page of a tree. Each has a filter in front, so that looking for a
// value that is nowhere reads one cache line of it.
//
// Layout: docs/format.md, "Dictionary". Views borrow the transaction they were opened in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace cairn::storage {

class ReadTxn;
class WriteTxn;

// An id under its value_key(). Only the upper 40 bits of the key are kept.
struct RunEntry {
  uint64_t key = 0;
  ValueId id{};
};

class ValueRun {
 public:
  // nullopt: the bytes are no run.
  static std::optional<ValueRun> open(std::span<const std::byte> bytes);
  static std::vector<std::byte> build(std::span<const RunEntry> sorted);

  uint32_t size() const { return size_; }
  // A hint for find() to come.
  void prefetch(uint64_t key) const { __builtin_prefetch(filter_block(key)); }
  // Calls fn(id) for every id the key may have, until it returns false.
  template <class F>
  void find(uint64_t key, F&& fn) const {
    if (!may_contain(key)) return;
    for (uint32_t i = lower_bound(prefix_of(key)); i < size_ && prefix(i) == prefix_of(key); ++i) {
      if (!fn(id(i))) return;
    }
  }
  // Precondition: index < size(). The key's lower bits are zero.
  RunEntry entry(uint32_t index) const { return {prefix(index) << kPrefixShift, id(index)}; }
  bool checksum_fits() const;

 private:
  static constexpr unsigned kPrefixShift = 24;
  static uint64_t prefix_of(uint64_t key) { return key >> kPrefixShift; }

  const std::byte* filter_block(uint64_t key) const;
  bool may_contain(uint64_t key) const;
  uint32_t lower_bound(uint64_t prefix) const;
  uint64_t prefix(uint32_t index) const;
  ValueId id(uint32_t index) const;

  std::span<const std::byte> bytes_;
  const std::byte* filter_ = nullptr;
  const std::byte* prefixes_ = nullptr;
  const std::byte* ids_ = nullptr;
  uint32_t filter_blocks_ = 0;
  uint32_t size_ = 0;
};

// All runs of a checkpoint, the newest first. Corruption, Io.
Result<std::vector<ValueRun>> open_runs(const ReadTxn& txn);
// Adds the entries (any order) as a run, merging older ones into it when they are too many.
Result<void> add_run(WriteTxn& txn, std::vector<RunEntry> entries);

}  // namespace cairn::storage
