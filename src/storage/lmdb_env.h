// LMDB as RAII. With lmdb_file.*, all that includes <lmdb.h> for the rest of storage/.
//
// Rules kept here (docs/decisions, traps of the packaged 0.9.24): an environment is opened once
// per process and directory; always MDB_NOTLS; read transactions are short; the map is large from
// the start and grown only when no read transaction of this process is open; composite keys
// instead of DUPSORT; stale reader slots are cleared on open and by clear_stale_readers().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"

struct MDB_env;
struct MDB_txn;
struct MDB_val;

namespace cairn::storage {

// Tables (LMDB named databases). Keys and values are described in docs/format.md, "Index".
enum class Table : uint8_t {
  Meta,
  Fields,
  ValueIds,
  Values,
  Segments,
  Projects,
  Types,
  Groups,
  Fingerprints,
  Activity,
  Keys,
  Frames,
  Care,
  Held,
  Releases,
  Experiments,
  Undo,
  Alerts,
  AlertWindows,
};
inline constexpr int kTableCount = 19;

struct IndexOptions {
  // Address space, not disk: the file grows as needed. 64-bit machines have room.
  uint64_t map_bytes = 1ull << 40;
  uint32_t max_readers = 510;  // reader slots; one per open snapshot in any process
  bool read_only = false;
  // Of a segment in one transaction, or a value more: what a disk takes in some thousandths of a
  // second, as the log's fdatasync may have to wait for it.
  uint64_t staged_bytes = 2u << 20;
};

class LmdbEnv {
 public:
  // Makes directory and tables unless read_only. Errors: NotFound (read_only and no index),
  // Io, Exhausted (disk or map full), Corruption (not an LMDB file, or cut short),
  // Unsupported (version), Conflict (already open in this process).
  static Result<std::unique_ptr<LmdbEnv>> open(const std::string& directory,
                                               const IndexOptions& options);
  ~LmdbEnv();
  LmdbEnv(const LmdbEnv&) = delete;
  LmdbEnv& operator=(const LmdbEnv&) = delete;

  // Frees slots of dead processes; returns how many.
  Result<int> clear_stale_readers();
  struct Info {
    uint64_t map_bytes = 0;
    uint64_t used_bytes = 0;  // pages in use x page size
    uint64_t file_bytes = 0;
    uint32_t readers = 0;  // slots taken
    uint32_t max_readers = 0;
    struct Table {
      std::string name;
      uint64_t entries = 0;
      uint64_t bytes = 0;  // of its pages
    };
    std::vector<Table> tables;
    uint64_t free_bytes = 0;  // pages that later writes use again
  };
  Result<Info> info() const;
  // Writes what the tables hold, without free pages, to data.mdb in `directory`, which must exist
  // and hold none; durable when it returns, but for the name. Writers go on. Errors: Io, Exhausted.
  Result<void> copy_compact(const std::string& directory) const;
  const std::string& directory() const;
  uint64_t staged_bytes() const;  // as it was opened with

 private:
  friend class ReadTxn;
  friend class WriteTxn;
  struct Impl;
  explicit LmdbEnv(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A snapshot of the index. Values returned are lent: they live until the transaction ends (read)
// or the next write (write). Thread: one at a time.
class ReadTxn {
 public:
  // Exhausted: all reader slots are taken (message says how to see and clear them).
  static Result<std::unique_ptr<ReadTxn>> begin(LmdbEnv& env);
  ~ReadTxn();
  ReadTxn(const ReadTxn&) = delete;
  ReadTxn& operator=(const ReadTxn&) = delete;

  Result<std::optional<std::span<const std::byte>>> get(Table table, std::string_view key) const;
  // Calls fn(key, value) ascending from the first key >= `from` until it returns false or keys no
  // longer start with `prefix`.
  template <class F>
  Result<void> scan(Table table, std::string_view from, std::string_view prefix, F&& fn) const {
    return scan_impl(
        table, from, prefix, &fn,
        [](void* f, std::string_view key, std::span<const std::byte> value) {
          return static_cast<bool>((*static_cast<std::remove_reference_t<F>*>(f))(key, value));
        });
  }
  // The entry with the largest key <= `key`.
  using Entry = std::pair<std::string_view, std::span<const std::byte>>;
  Result<std::optional<Entry>> floor(Table table, std::string_view key) const;
  Result<uint64_t> entries(Table table) const;
  // The same snapshot for another thread; nullptr when there is a newer one or no reader slot left.
  std::unique_ptr<ReadTxn> twin() const;

 private:
  friend class LmdbEnv;
  ReadTxn(LmdbEnv& env, MDB_txn* txn) : env_(env), txn_(txn) {}
  Result<void> scan_impl(Table table, std::string_view from, std::string_view prefix, void* fn,
                         bool (*call)(void*, std::string_view, std::span<const std::byte>)) const;
  LmdbEnv& env_;
  MDB_txn* txn_;
};

class WriteTxn {
 public:
  static Result<std::unique_ptr<WriteTxn>> begin(LmdbEnv& env);
  ~WriteTxn();  // aborts unless committed
  WriteTxn(const WriteTxn&) = delete;
  WriteTxn& operator=(const WriteTxn&) = delete;

  // Keys: 1..511 bytes.
  Result<void> put(Table table, std::string_view key, std::span<const std::byte> value);
  Result<void> put(Table table, std::string_view key, std::string_view value);
  // Appends: key must be greater than every key of the table (Internal otherwise).
  Result<void> append(Table table, std::string_view key, std::span<const std::byte> value);
  // Space for `bytes` to be filled in before the next call on this transaction.
  Result<std::span<std::byte>> reserve(Table table, std::string_view key, size_t bytes);
  Result<void> erase(Table table, std::string_view key);
  Result<std::optional<std::span<const std::byte>>> get(Table table, std::string_view key) const;
  // Durable when it returns ok (LMDB syncs). Exhausted: disk or map full.
  Result<void> commit();
  // Keys and values given to put, append and reserve so far, in bytes.
  uint64_t bytes_written() const { return bytes_written_; }

 private:
  WriteTxn(LmdbEnv& env, MDB_txn* txn) : env_(env), txn_(txn) {}
  Result<void> write(Table table, std::string_view key, MDB_val& value, unsigned flags);
  LmdbEnv& env_;
  MDB_txn* txn_;
  uint64_t bytes_written_ = 0;
};

}  // namespace cairn::storage
