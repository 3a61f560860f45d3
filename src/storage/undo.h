// What checkpoints replaced, so that the state of an earlier one can be read: each checkpoint keeps
// of every row it wrote what that was before, as the difference to what it is since. Undone from
// the newest back, they lead to the rows of any checkpoint of this index but those from before its
// first one. docs/format.md, section "Undo".
//
// Thread: as the transactions.
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
#include "storage/checkpoint.h"
#include "storage/row_source.h"

namespace cairn::storage {

// Keeps what `rows` are about to replace. `before`: the checkpoint whose rows these still are;
// `applied`: of the one that is being made. Exhausted, Io, Internal (zstd).
Result<void> write_undo(WriteTxn& txn, const CheckpointMeta& before, Lsn applied,
                        const RowBuffer& rows);

// A checkpoint that is no longer the newest.
struct PastCheckpoint {
  Lsn applied{};
  TimeUs last_time{};     // as CheckpointMeta::last_time
  std::vector<Lsn> undo;  // the checkpoints to undo, the newest first
};
// The newest one that wanted(applied, last_time) takes, among those before `newest`; nullopt when
// the index knows of none. Corruption, Io.
Result<std::optional<PastCheckpoint>> find_past(
    const ReadTxn& txn, const CheckpointMeta& newest,
    const std::function<bool(Lsn applied, TimeUs last_time)>& wanted);

// Its rows. Errors: Corruption, Io.
class PastRows final : public RowSource {
 public:
  PastRows(const ReadTxn& txn, std::vector<Lsn> undo);
  ~PastRows() override;

  Result<void> scan(Table table, const Take& fn) const override;
  Result<uint64_t> entries(Table table) const override;
  std::unique_ptr<RowSource> twin() const override;

 private:
  struct Rows;  // what scans made, as values are lent for as long as this lives
  std::unique_ptr<ReadTxn> own_;
  const ReadTxn* txn_;
  const std::vector<Lsn> undo_;
  const std::unique_ptr<Rows> rows_;
};

// Keys in Table::Undo of what leads only to checkpoints from before `base`. Io.
Result<std::vector<std::string>> undo_keys_behind(const ReadTxn& txn, Lsn base);

}  // namespace cairn::storage
