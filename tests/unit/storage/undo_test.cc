#include "storage/undo.h"

#include <map>
#include <random>

#include "storage_fixture.h"

namespace cairn::storage {
namespace {

using testing::code_of;
using testing::IndexFixture;
using testing::must;

using Rows = std::map<std::string, std::string>;
constexpr Table kTables[] = {Table::Groups, Table::Care, Table::Experiments};

CheckpointMeta meta_at(uint64_t lsn) {
  CheckpointMeta meta;
  meta.fold_version = model::kFoldVersion;
  meta.terms_version = model::kTermsVersion;
  meta.applied = meta.acknowledged = Lsn{lsn};
  meta.last_time = TimeUs{static_cast<int64_t>(lsn) * 10};
  return meta;
}

Rows read_all(const RowSource& source, Table table) {
  Rows rows;
  std::vector<std::pair<std::string, std::span<const std::byte>>> lent;
  must(source.scan(table,
                   [&](std::string_view key, std::span<const std::byte> value) -> Result<void> {
                     if (!lent.empty()) REQUIRE(lent.back().first < key);
                     lent.emplace_back(std::string(key), value);
                     return {};
                   }));
  // Values live as long as the source.
  for (const auto& [key, value] : lent) rows.emplace(key, as_chars(value));
  return rows;
}

// Writes checkpoints of random changes and remembers what each of them left.
class History {
 public:
  explicit History(uint64_t seed) : random_(seed) {}

  void checkpoint(IndexFixture& index, uint64_t lsn) {
    RowBuffer changes;
    for (size_t t = 0; t < std::size(kTables); ++t) change(t, changes);
    CheckpointInput input;
    input.meta = meta_at(lsn);
    input.rows = &changes;
    must(write_checkpoint(*index.env, input));
    left_[lsn] = now_;
  }
  const std::map<uint64_t, std::array<Rows, 3>>& left() const { return left_; }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }
  std::string bytes(size_t most) {
    std::string out(below(most + 1), ' ');
    for (char& c : out) c = static_cast<char>(below(4));
    return out;
  }
  // Mostly a few bytes of what it was; now and then more than a patch can hold, or too little.
  std::string next_value(const std::string& before) {
    if (below(40) == 0) return bytes(70'000);
    if (before.empty() || below(8) == 0) return bytes(60);
    std::string after = before;
    for (uint64_t i = below(3) + 1; i > 0; --i)
      after[below(after.size())] = static_cast<char>(below(256));
    if (below(4) == 0) after.insert(below(after.size()), bytes(5));
    return after;
  }
  void change(size_t t, RowBuffer& changes) {
    Rows& rows = now_[t];
    std::map<std::string, bool> touched;
    for (uint64_t i = below(60); i > 0; --i) {
      const std::string key = "k" + std::to_string(below(80));
      if (!touched.emplace(key, true).second) continue;
      if (below(6) == 0) {
        if (rows.erase(key) > 0) changes.erase(kTables[t], key);
        continue;
      }
      std::string& row = rows[key];
      row = next_value(row);
      changes.add(kTables[t], key, row);
    }
  }

  std::mt19937_64 random_;
  std::array<Rows, 3> now_;
  std::map<uint64_t, std::array<Rows, 3>> left_;
};

std::optional<PastCheckpoint> find(const ReadTxn& txn, Lsn newest, Lsn wanted) {
  return must(
      find_past(txn, meta_at(raw(newest)), [&](Lsn applied, TimeUs) { return applied <= wanted; }));
}

TEST_CASE("every checkpoint but the newest is found again, row for row") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  IndexFixture index;
  History history(seed);
  constexpr uint64_t kLast = 120;
  for (uint64_t lsn = 10; lsn <= kLast; lsn += 10) history.checkpoint(index, lsn);
  const auto txn = index.read();
  for (const auto& [lsn, left] : history.left()) {
    if (lsn == kLast) continue;
    CAPTURE(lsn);
    // The one at or before a moment.
    const auto past = find(*txn, Lsn{kLast}, Lsn{lsn + 3});
    REQUIRE(past);
    REQUIRE(past->applied == Lsn{lsn});
    CHECK(past->last_time == meta_at(lsn).last_time);
    const PastRows rows(*txn, past->undo);
    const auto twin = rows.twin();
    for (size_t t = 0; t < std::size(kTables); ++t) {
      CHECK(read_all(rows, kTables[t]) == left[t]);
      if (twin) CHECK(read_all(*twin, kTables[t]) == left[t]);
    }
  }
  CHECK_FALSE(find(*txn, Lsn{kLast}, Lsn{9}));
}

TEST_CASE("a checkpoint of the same record undoes nothing") {
  IndexFixture index;
  History history(1);
  history.checkpoint(index, 10);
  history.checkpoint(index, 20);
  RowBuffer nothing;
  CheckpointInput again;
  again.meta = meta_at(20);
  again.rows = &nothing;
  must(write_checkpoint(*index.env, again));
  const auto txn = index.read();
  const auto past = find(*txn, Lsn{20}, Lsn{15});
  REQUIRE(past);
  CHECK(past->applied == Lsn{10});
  CHECK(read_all(PastRows(*txn, past->undo), Table::Groups) == history.left().at(10)[0]);
}

TEST_CASE("retention drops what leads behind its base only") {
  IndexFixture index;
  History history(2);
  for (uint64_t lsn = 10; lsn <= 50; lsn += 10) history.checkpoint(index, lsn);
  CheckpointMeta meta = meta_at(50);
  const auto is_there = [&](uint64_t lsn) {
    const auto txn = index.read();
    const auto past = find(*txn, Lsn{50}, Lsn{lsn});
    if (past) CHECK(read_all(PastRows(*txn, past->undo), Table::Care) == history.left().at(lsn)[1]);
    return past.has_value();
  };
  meta.base = Lsn{20};  // itself a checkpoint
  must(drop_removed(*index.env, meta));
  CHECK_FALSE(is_there(10));
  CHECK(is_there(20));
  meta.base = Lsn{25};
  must(drop_removed(*index.env, meta));
  CHECK_FALSE(is_there(20));
  CHECK(is_there(30));
}

TEST_CASE("damage to what was replaced is found") {
  IndexFixture index;
  History history(3);
  history.checkpoint(index, 10);
  history.checkpoint(index, 20);
  std::vector<std::pair<std::string, std::string>> entries;
  {
    const auto txn = index.read();
    must(
        txn->scan(Table::Undo, {}, {}, [&](std::string_view key, std::span<const std::byte> value) {
          entries.emplace_back(key, as_chars(value));
          return true;
        }));
  }
  REQUIRE(entries.size() >= 3);
  for (const auto& [key, value] : entries) {
    for (const size_t at : {size_t{0}, value.size() / 2, value.size() - 1}) {
      std::string damaged = value;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
      const auto write = [&, &key = key](const std::string& bytes) {
        const auto txn = must(WriteTxn::begin(*index.env));
        must(txn->put(Table::Undo, key, bytes));
        must(txn->commit());
      };
      write(damaged);
      {
        const auto txn = index.read();
        const auto past = find_past(*txn, meta_at(20), [](Lsn, TimeUs) { return true; });
        Result<void> read;
        if (!past.ok()) {
          read = past.error();
        } else {
          const PastRows rows(*txn, (*past)->undo);
          const auto nothing = [](std::string_view, std::span<const std::byte>) {
            return Result<void>();
          };
          for (const Table table : kTables) {
            if (read.ok()) read = rows.scan(table, nothing);
          }
        }
        CHECK(code_of(read) == ErrorCode::Corruption);
      }
      write(value);
    }
  }
}

}  // namespace
}  // namespace cairn::storage
