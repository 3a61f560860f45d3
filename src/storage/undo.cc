// Table Undo, by the LSN of the checkpoint that replaced the rows:
//   applied u64, 0 u8                  -> applied u64 of the checkpoint before | its last time i64
//   applied u64, 1 + table u8, n u32   -> block n of the table's rows, ascending: raw bytes u32 |
//                                         zstd of them
// each with a checksum behind it. A row: key bytes u8 | key | form u8, and then
//   Absent   nothing: there was none
//   Whole    the row as text
//   Patched  prefix u16 | suffix u16 | middle as text | the last eight bytes: between as many bytes
//            of the row that replaced it. The last eight bytes, a checksum, are not among these.
#include "storage/undo.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <queue>

#include "base/hash.h"
#include "storage/coding.h"
#include "storage/sealed_value.h"

namespace cairn::storage {
namespace {

enum class Form : uint8_t { Absent, Whole, Patched };

// Of a block before compression. Who undoes many checkpoints holds one of each.
constexpr size_t kBlockBytes = 64u << 10;
constexpr int kZstdLevel = 1;
constexpr size_t kRowChecksumBytes = sizeof(uint64_t);
constexpr size_t kHeaderKeyBytes = sizeof(uint64_t) + 1;

Key header_key(Lsn applied) { return Key().u64(raw(applied)).u8(0); }
uint8_t table_byte(Table table) { return static_cast<uint8_t>(raw(table) + 1); }

Error damaged(Lsn applied) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("the index: what checkpoint {} replaced is damaged; rebuild the "
                                "index from the log",
                                raw(applied)));
}

void append_patch(RowWriter& out, std::string_view before, std::string_view after) {
  constexpr size_t kMost = std::numeric_limits<uint16_t>::max();
  const bool whole = std::max(before.size(), after.size()) > kMost ||
                     std::min(before.size(), after.size()) < kRowChecksumBytes;
  if (whole) {
    out.integer(raw(Form::Whole)).text(before);
    return;
  }
  const std::string_view check = before.substr(before.size() - kRowChecksumBytes);
  before.remove_suffix(kRowChecksumBytes);
  after.remove_suffix(kRowChecksumBytes);
  const auto [b, a] = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  const auto prefix = static_cast<size_t>(b - before.begin());
  before.remove_prefix(prefix);
  after.remove_prefix(prefix);
  const auto [rb, ra] = std::mismatch(before.rbegin(), before.rend(), after.rbegin(), after.rend());
  const auto suffix = static_cast<size_t>(rb - before.rbegin());
  out.integer(raw(Form::Patched))
      .integer(static_cast<uint16_t>(prefix))
      .integer(static_cast<uint16_t>(suffix))
      .text(before.substr(0, before.size() - suffix))
      .integer(load_le<uint64_t>(as_byte_span(check).data()));
}

// The checkpoint before one.
struct Header {
  Lsn applied{};
  TimeUs last_time{};
};

Result<Header> header_of(std::string_view key, std::span<const std::byte> value) {
  const Lsn of{key_part<uint64_t>(key, 0)};
  const auto body = unsealed(value, key);
  if (!body) return damaged(of);
  RowReader row(*body);
  Header header;
  header.applied = Lsn{row.integer<uint64_t>()};
  header.last_time = TimeUs{row.integer<int64_t>()};
  if (!row.done() || header.applied >= of) return damaged(of);
  return header;
}

// The blocks of one table.
class BlockWriter {
 public:
  BlockWriter(WriteTxn& txn, Lsn applied, Table table)
      : txn_(txn), applied_(applied), table_(table) {}

  Result<void> add(const RowBuffer::Change& change) {
    CAIRN_TRY_ASSIGN(const auto before, txn_.get(table_, change.key));
    rows_.integer(static_cast<uint8_t>(change.key.size()));
    rows_.append(change.key);
    if (!before) {
      rows_.integer(raw(Form::Absent));
    } else if (!change.value) {
      rows_.integer(raw(Form::Whole)).text(as_chars(*before));
    } else {
      append_patch(rows_, as_chars(*before), *change.value);
    }
    return rows_.bytes().size() >= kBlockBytes ? flush() : Result<void>();
  }
  Result<void> flush() {
    if (rows_.bytes().empty()) return {};
    const Key key = Key().u64(raw(applied_)).u8(table_byte(table_)).u32(count_++);
    RowWriter value;
    value.integer(static_cast<uint32_t>(rows_.bytes().size()));
    std::string packed(ZSTD_compressBound(rows_.bytes().size()), '\0');
    const size_t bytes = ZSTD_compress(packed.data(), packed.size(), rows_.bytes().data(),
                                       rows_.bytes().size(), kZstdLevel);
    if (ZSTD_isError(bytes) != 0) return make_error(ErrorCode::Internal, ZSTD_getErrorName(bytes));
    value.append(std::string_view(packed).substr(0, bytes));
    rows_.clear();
    return txn_.put(Table::Undo, key.view(), sealed(value.bytes(), key.view()));
  }

 private:
  WriteTxn& txn_;
  const Lsn applied_;
  const Table table_;
  RowWriter rows_;
  uint32_t count_ = 0;
};

}  // namespace

Result<void> write_undo(WriteTxn& txn, const CheckpointMeta& before, Lsn applied,
                        const RowBuffer& rows) {
  if (before.applied == applied) return {};  // nothing was folded: no row changes
  std::vector<RowBuffer::Change> changes = rows.changes();
  std::sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) {
    return std::pair(a.table, a.key) < std::pair(b.table, b.key);
  });
  for (size_t i = 0; i < changes.size();) {
    const Table table = changes[i].table;
    BlockWriter blocks(txn, applied, table);
    for (; i < changes.size() && changes[i].table == table; ++i) CAIRN_TRY(blocks.add(changes[i]));
    CAIRN_TRY(blocks.flush());
  }
  RowWriter header;
  header.integer(raw(before.applied)).integer(raw(before.last_time));
  const Key key = header_key(applied);
  return txn.put(Table::Undo, key.view(), sealed(header.bytes(), key.view()));
}

Result<std::optional<PastCheckpoint>> find_past(
    const ReadTxn& txn, const CheckpointMeta& newest,
    const std::function<bool(Lsn applied, TimeUs last_time)>& wanted) {
  PastCheckpoint past;
  past.applied = newest.applied;
  while (true) {
    const Key key = header_key(past.applied);
    CAIRN_TRY_ASSIGN(const auto value, txn.get(Table::Undo, key.view()));
    if (!value) return std::optional<PastCheckpoint>();
    CAIRN_TRY_ASSIGN(const Header before, header_of(key.view(), *value));
    past.undo.push_back(past.applied);
    past.applied = before.applied;
    past.last_time = before.last_time;
    if (wanted(past.applied, past.last_time)) return std::optional(std::move(past));
  }
}

namespace {

// The rows of a table that one checkpoint replaced, one after the other.
class UndoCursor {
 public:
  UndoCursor(const ReadTxn& txn, Lsn applied, Table table)
      : txn_(txn), applied_(applied), table_(table) {}

  // To the first row, then to the next one.
  Result<void> next() {
    if (rest_.remaining() == 0) CAIRN_TRY(open_block());
    if (at_end_) return {};
    key_ = rest_.take(rest_.integer<uint8_t>());
    form_ = Form{rest_.integer<uint8_t>()};
    if (form_ == Form::Whole) {
      middle_ = rest_.text();
    } else if (form_ == Form::Patched) {
      prefix_ = rest_.integer<uint16_t>();
      suffix_ = rest_.integer<uint16_t>();
      middle_ = rest_.text();
      check_ = rest_.take(kRowChecksumBytes);
    } else if (form_ != Form::Absent) {
      rest_.fail();
    }
    return rest_.ok() && !key_.empty() ? Result<void>() : damaged(applied_);
  }
  bool at_end() const { return at_end_; }
  std::string_view key() const { return key_; }

  // From the row as the checkpoint left it, nullopt = none, to what it was before. False: the two
  // do not belong together.
  bool undo(std::optional<std::string>& row) const {
    if (form_ == Form::Absent) {
      row.reset();
    } else if (form_ == Form::Whole) {
      row = std::string(middle_);
    } else {
      const size_t kept = size_t{prefix_} + suffix_;
      if (!row || row->size() < kept + kRowChecksumBytes) return false;
      const size_t body = row->size() - kRowChecksumBytes;
      row->resize(body);
      row->replace(prefix_, body - kept, middle_).append(check_);
    }
    return true;
  }

 private:
  Result<void> open_block() {
    const Key key = Key().u64(raw(applied_)).u8(table_byte(table_)).u32(block_++);
    CAIRN_TRY_ASSIGN(const auto value, txn_.get(Table::Undo, key.view()));
    at_end_ = !value.has_value();
    if (at_end_) return {};
    const auto body = unsealed(*value, key.view());
    if (!body) return damaged(applied_);
    RowReader packed(*body);
    raw_.resize(packed.integer<uint32_t>());
    const std::string_view bytes = packed.take(packed.remaining());
    const size_t size = ZSTD_decompress(raw_.data(), raw_.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(size) != 0 || size != raw_.size() || raw_.empty()) return damaged(applied_);
    rest_ = RowReader(as_byte_span(raw_));
    return {};
  }

  const ReadTxn& txn_;
  const Lsn applied_;
  const Table table_;
  uint32_t block_ = 0;
  std::string raw_;
  RowReader rest_{{}};
  bool at_end_ = false;
  std::string_view key_, middle_, check_;
  Form form_{};
  uint16_t prefix_ = 0, suffix_ = 0;
};

}  // namespace

struct PastRows::Rows {
  std::deque<std::string> made;
};

PastRows::PastRows(const ReadTxn& txn, std::vector<Lsn> undo)
    : txn_(&txn), undo_(std::move(undo)), rows_(std::make_unique<Rows>()) {}
PastRows::~PastRows() = default;

namespace {

// The newest rows of a table and what was replaced in it, walked side by side.
class PastScan {
 public:
  PastScan(const ReadTxn& txn, std::span<const Lsn> undo, Table table,
           std::deque<std::string>& made, const RowSource::Take& fn)
      : made_(made), fn_(fn) {
    for (const Lsn applied : undo) cursors_.emplace_back(txn, applied, table);
  }

  Result<void> begin() {
    for (size_t i = 0; i < cursors_.size(); ++i) CAIRN_TRY(advance(i));
    return {};
  }
  Result<void> take(std::string_view key, std::span<const std::byte> value) {
    while (!next_.empty() && next_key() < key) CAIRN_TRY(undo(std::nullopt));
    if (next_.empty() || next_key() != key) return fn_(key, value);
    return undo(std::string(as_chars(value)));
  }
  // Rows that are no more.
  Result<void> end() {
    while (!next_.empty()) CAIRN_TRY(undo(std::nullopt));
    return {};
  }

 private:
  Result<void> advance(size_t cursor) {
    CAIRN_TRY(cursors_[cursor].next());
    if (!cursors_[cursor].at_end()) next_.push({std::string(cursors_[cursor].key()), cursor});
    return {};
  }
  std::string_view next_key() const { return next_.top().first; }

  // The row of the next key, from what it is now.
  Result<void> undo(std::optional<std::string> row) {
    const std::string key(next_key());
    while (!next_.empty() && next_key() == key) {
      const size_t cursor = next_.top().second;
      next_.pop();
      if (!cursors_[cursor].undo(row)) {
        return make_error(ErrorCode::Corruption,
                          "the index: a row does not fit what replaced it; rebuild the index from "
                          "the log");
      }
      CAIRN_TRY(advance(cursor));
    }
    if (!row) return {};
    made_.push_back(*std::move(row));
    return fn_(key, as_byte_span(made_.back()));
  }

  std::deque<std::string>& made_;
  const RowSource::Take& fn_;
  std::deque<UndoCursor> cursors_;  // the newest checkpoint's first
  // By key, and for one key in the order of cursors.
  using Next = std::pair<std::string, size_t>;
  std::priority_queue<Next, std::vector<Next>, std::greater<>> next_;
};

}  // namespace

Result<void> PastRows::scan(Table table, const Take& fn) const {
  PastScan scan(*txn_, undo_, table, rows_->made, fn);
  CAIRN_TRY(scan.begin());
  Result<void> result;
  CAIRN_TRY(txn_->scan(table, {}, {}, [&](std::string_view key, std::span<const std::byte> value) {
    result = scan.take(key, value);
    return result.ok();
  }));
  CAIRN_TRY(result);
  return scan.end();
}

// Groups and fingerprints, which are counted, are never erased.
Result<uint64_t> PastRows::entries(Table table) const { return txn_->entries(table); }

std::unique_ptr<RowSource> PastRows::twin() const {
  auto other = txn_->twin();
  if (!other) return nullptr;
  auto rows = std::make_unique<PastRows>(*other, undo_);
  rows->own_ = std::move(other);
  return rows;
}

Result<std::vector<std::string>> undo_keys_behind(const ReadTxn& txn, Lsn base) {
  std::vector<std::string> keys;
  // Checkpoint by checkpoint, each with its header first, until one leads to the base or less far.
  Result<void> sound;
  CAIRN_TRY(
      txn.scan(Table::Undo, {}, {}, [&](std::string_view key, std::span<const std::byte> value) {
        if (key.size() < kHeaderKeyBytes) {
          sound = damaged(base);
          return false;
        }
        if (key.size() == kHeaderKeyBytes) {
          const auto before = header_of(key, value);
          if (!before.ok()) sound = before.error();
          if (!before.ok() || before->applied >= base) return false;
        }
        keys.emplace_back(key);
        return true;
      }));
  CAIRN_TRY(sound);
  return keys;
}

}  // namespace cairn::storage
