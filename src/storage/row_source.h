// The rows of the tables of the state, as a checkpoint left them.
//
// Ownership: borrows the transaction. Thread: one at a time.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "storage/lmdb_env.h"

namespace cairn::storage {

class RowSource {
 public:
  virtual ~RowSource() = default;

  // Calls fn ascending by key until it fails. Keys are lent for the call, values as long as the
  // source lives.
  using Take = std::function<Result<void>(std::string_view key, std::span<const std::byte> value)>;
  virtual Result<void> scan(Table table, const Take& fn) const = 0;
  // About how many; never fewer.
  virtual Result<uint64_t> entries(Table table) const = 0;
  // The same rows for another thread; nullptr when that cannot be.
  virtual std::unique_ptr<RowSource> twin() const = 0;
};

// Those of the newest checkpoint that the transaction sees.
class NewestRows final : public RowSource {
 public:
  explicit NewestRows(const ReadTxn& txn) : txn_(&txn) {}
  explicit NewestRows(std::unique_ptr<ReadTxn> txn) : own_(std::move(txn)), txn_(own_.get()) {}

  Result<void> scan(Table table, const Take& fn) const override;
  Result<uint64_t> entries(Table table) const override;
  std::unique_ptr<RowSource> twin() const override;

 private:
  std::unique_ptr<ReadTxn> own_;
  const ReadTxn* txn_;
};

// Corruption: a key of the table has a wrong size.
Error damaged_key(std::string_view table);

// Calls fn(key, value) -> Result<void> for every row of a table with keys of `key_bytes`.
template <class F>
Result<void> for_each_row(const RowSource& rows, Table table, const char* name, size_t key_bytes,
                          F&& fn) {
  return rows.scan(table,
                   [&](std::string_view key, std::span<const std::byte> value) -> Result<void> {
                     if (key.size() != key_bytes) return damaged_key(name);
                     return fn(key, value);
                   });
}

}  // namespace cairn::storage
