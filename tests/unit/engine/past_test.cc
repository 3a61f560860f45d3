// A store as of a moment that its index has gone beyond answers as one that holds no later record.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <random>

#include "engine/store.h"
#include "storage/lmdb_env.h"
#include "support/random_occurrences.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;
using testing::RandomOccurrences;
using testing::TempDir;

namespace {

constexpr TimeUs kNow{1'800'000'000'000'000};

struct Moment {
  Lsn lsn{};
  TimeUs time{};
  std::string digests;
  size_t asked = 0;  // ids that were asked for
  std::string answers;
};

std::string digests(const Store& store) {
  const auto found = store.digests();
  INFO((found.ok() ? std::string() : found.error().message));
  REQUIRE(found.ok());
  return found->state.hex() + " " + found->full.hex();
}

std::string text_of(const query::Cell& cell) {
  return std::visit(
      [](const auto& value) -> std::string {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::monostate>) {
          return "-";
        } else if constexpr (std::is_same_v<Value, TimeUs>) {
          return std::to_string(raw(value));
        } else {
          return fmt::format("{}", value);
        }
      },
      cell.value);
}

// Issues, tables, histories and look-ups, each by another way into the parts of the index.
std::string answers(const Store& store, std::span<const Uuid> ids) {
  const auto snapshot = store.snapshot();
  REQUIRE(snapshot.ok());
  std::string out;
  query::SearchOptions options;
  options.now = kNow;
  options.limit = 1000;
  for (const char* text :
       {"", "is:unresolved", "level:error", "!level:error", "has:user", "!browser:\"Firefox 119\"",
        "timestamp:-2h", "times_seen:>3", "project:[1, 2] level:[error, info]", "user.id:u3"}) {
    const auto page = (*snapshot)->search(text, options);
    INFO(text << (page.ok() ? std::string() : page.error().message));
    REQUIRE(page.ok());
    out += fmt::format("{}: {}\n", text, page->total);
    for (const auto& row : page->issues) {
      out += fmt::format("  {} {} {} {} {}\n", (*snapshot)->state().short_id(row.id), row.count,
                         row.users, raw(row.first), raw(row.last));
    }
  }
  for (const char* text : {"| count() by level", "| count() uniq(user) by browser",
                           "level:error | count() by project, level"}) {
    const auto table = (*snapshot)->aggregate(text, options);
    INFO(text << (table.ok() ? std::string() : table.error().message));
    REQUIRE(table.ok());
    out += fmt::format("{}: {} rows\n", text, table->rows.size());
    for (const auto& row : table->rows) {
      for (const auto& cell : row) out += " " + text_of(cell);
      out += "\n";
    }
  }
  for (uint32_t id = 1; id <= (*snapshot)->state().group_count(); ++id) {
    const auto history = (*snapshot)->history(GroupId{id}, 100);
    REQUIRE(history.ok());
    for (const auto& [lsn, record] : *history) out += fmt::format("{}@{} ", id, raw(lsn));
  }
  const auto found = (*snapshot)->fingerprints_of(ids);
  REQUIRE(found.ok());
  for (const FingerprintId fingerprint : *found) out += fmt::format(" {}", raw(fingerprint));
  return out;
}

class Past {
 public:
  explicit Past(uint64_t seed) : random_(seed), occurrences_(seed + 1) {
    options_.clock = &clock_;
    options_.head_limit = 60;
    options_.close_limit = 10;
    options_.log_file_bytes = 16u << 10;
    options_.index_map_bytes = 256u << 20;
    store_ = open();
  }

  std::unique_ptr<Store> open() {
    auto store = Store::open(path(), options_);
    INFO((store.ok() ? std::string() : store.error().message));
    REQUIRE(store.ok());
    return std::move(store).value();
  }
  std::string path() const { return dir_ / "store"; }

  void live(int steps) {
    for (int i = 0; i < steps; ++i) {
      clock_.set(TimeUs{raw(clock_.now()) + 1'000'000 * static_cast<int64_t>(1 + below(4000))});
      step();
      if (below(12) == 0) remember();
    }
  }
  void remember() {
    const auto [lsn, time] = newest();
    moments_.push_back({lsn, time, digests(*store_), ids_.size(), answers(*store_, ids_)});
  }

  void check(const Moment& moment, const Result<std::unique_ptr<Store>>& then) {
    CAPTURE(raw(moment.lsn));
    INFO((then.ok() ? std::string() : then.error().message));
    REQUIRE(then.ok());
    CHECK((*(*then)->snapshot())->lsn() == moment.lsn);
    CHECK(digests(**then) == moment.digests);
    const std::span<const Uuid> ids(ids_);
    CHECK(answers(**then, ids.first(moment.asked)) == moment.answers);
    const auto later = (*(*then)->snapshot())->fingerprints_of(ids.subspan(moment.asked));
    REQUIRE(later.ok());
    for (const FingerprintId found : *later) CHECK(found == FingerprintId{});
  }
  void check_all() {
    size_t indexed = 0;
    for (const Moment& moment : moments_) {
      const auto by_lsn = store_->as_of({moment.lsn, std::nullopt});
      check(moment, by_lsn);
      check(moment, store_->as_of({std::nullopt, moment.time}));
      if ((*by_lsn)->stats()->index_bytes > 0) ++indexed;
    }
    // The first ones may be from before the first checkpoint.
    CHECK(indexed * 2 > moments_.size());
  }

  std::unique_ptr<Store> store_;
  std::vector<Moment> moments_;
  StoreOptions options_;
  std::vector<Uuid> ids_;  // of some occurrences, in the order they came

 private:
  uint64_t below(uint64_t n) { return random_() % n; }
  std::pair<Lsn, TimeUs> newest() const {
    const auto snapshot = store_->snapshot();
    return {(*snapshot)->lsn(), (*snapshot)->record((*snapshot)->lsn())->time};
  }
  GroupId some_group() {
    const uint32_t count = (*store_->snapshot())->state().group_count();
    return GroupId{1 + static_cast<uint32_t>(below(std::max(count, 1u)))};
  }
  void execute(const model::Command& command) {
    const std::string key = below(2) == 0 ? "" : fmt::format("key-{}", below(100'000));
    // Refused ones are of no interest here.
    [[maybe_unused]] const auto done = store_->execute(command, {"someone", key});
  }
  void step() {
    switch (below(10)) {
      case 0:
        return execute(model::MergeCommand{some_group(), {some_group()}});
      case 1:
        return execute(model::UnmergeCommand{some_group(), {}});
      case 2:
        return execute(
            model::SetStatusCommand{some_group(), model::Status::Resolved, model::Substatus::None});
      case 3:
        return execute(model::AssignCommand{some_group(), "user:x"});
      case 4:
        REQUIRE(store_->checkpoint().ok());
        return;
      case 5: {
        const std::string name = fmt::format("e{}", below(3));
        if (below(2) == 0) return execute(model::MakeExperimentCommand{name, Lsn{}});
        return execute(model::DropExperimentCommand{name});
      }
      default: {
        std::vector<model::Message> batch;
        for (uint64_t n = below(40); n > 0; --n) {
          auto occurrence = occurrences_.next();
          if (below(10) == 0 && ids_.size() < 20) ids_.push_back(occurrence.id);
          batch.emplace_back(std::move(occurrence));
        }
        REQUIRE(store_->submit(std::move(batch), {}).ok());
      }
    }
  }

  TempDir dir_;
  ManualClock clock_{kNow};
  std::mt19937_64 random_;
  RandomOccurrences occurrences_;
};

// Changes the last byte of every value of a table.
void flip_all(const std::string& index, storage::Table table) {
  const auto env = storage::LmdbEnv::open(index, {});
  REQUIRE(env.ok());
  std::vector<std::pair<std::string, std::string>> values;
  {
    const auto txn = storage::ReadTxn::begin(**env);
    REQUIRE((*txn)
                ->scan(table, {}, {},
                       [&](std::string_view key, std::span<const std::byte> value) {
                         values.emplace_back(key, as_chars(value));
                         return true;
                       })
                .ok());
  }
  REQUIRE(!values.empty());
  const auto txn = storage::WriteTxn::begin(**env);
  for (auto& [key, value] : values) {
    value.back() = static_cast<char>(value.back() ^ 1);
    REQUIRE((*txn)->put(table, key, value).ok());
  }
  REQUIRE((*txn)->commit().ok());
}

}  // namespace

TEST_CASE("what a store was then is what it was") {
  const uint64_t seed = std::random_device{}();
  WARN("past seed " << seed);
  Past past(seed);
  past.live(150);
  past.remember();
  REQUIRE(past.moments_.size() > 3);
  past.check_all();

  SECTION("when all segments are one") {
    REQUIRE(past.store_->compact().ok());
    past.check_all();
  }
  SECTION("when it was closed and opened, and goes on") {
    past.store_.reset();
    past.store_ = past.open();
    past.live(60);
    past.check_all();
  }
  SECTION("when its index was made anew") {
    past.store_.reset();
    REQUIRE(Store::rebuild(past.path(), past.options_).ok());
    past.store_ = past.open();
    past.check_all();
  }
  SECTION("a past of a past") {
    const auto newest = past.store_->as_of({past.moments_.back().lsn, std::nullopt});
    REQUIRE(newest.ok());
    for (const Moment& moment : past.moments_) {
      past.check(moment, (*newest)->as_of({moment.lsn, std::nullopt}));
    }
  }
  SECTION("by itself, with the index and without") {
    past.store_.reset();
    for (const bool indexed : {true, false}) {
      if (!indexed) std::filesystem::remove_all(past.path() + "/index");
      for (const Moment& moment : past.moments_) {
        past.check(moment, Store::open_as_of(past.path(), {moment.lsn, {}}, past.options_));
      }
    }
  }
}

TEST_CASE("a store as of a moment outlives the one it came from") {
  Past past(5);
  past.live(60);
  past.remember();
  const Moment moment = past.moments_.back();
  past.live(20);
  const auto then = past.store_->as_of({moment.lsn, std::nullopt});
  past.store_.reset();
  past.check(moment, then);
}

TEST_CASE("a moment that is not there yet is refused") {
  Past past(6);
  past.live(30);
  const auto later = past.store_->as_of({Lsn{1'000'000}, std::nullopt});
  REQUIRE_FALSE(later.ok());
  CHECK(later.error().code == ErrorCode::InvalidArgument);
  const auto never = past.store_->as_of({Lsn{0}, std::nullopt});
  REQUIRE_FALSE(never.ok());
  CHECK(never.error().code == ErrorCode::InvalidArgument);
  // Before everything there is an empty store.
  const auto before = past.store_->as_of({std::nullopt, TimeUs{0}});
  REQUIRE(before.ok());
  CHECK((*(*before)->snapshot())->state().group_count() == 0);
}

TEST_CASE("who has a store open is told to ask it for its past") {
  Past past(7);
  past.live(30);
  const auto beside = Store::open_as_of(past.path(), {Lsn{5}, std::nullopt}, past.options_);
  REQUIRE_FALSE(beside.ok());
  CHECK(beside.error().code == ErrorCode::Conflict);
}

TEST_CASE("a damaged index leaves the past to the log") {
  for (const storage::Table table : {storage::Table::Undo, storage::Table::Segments}) {
    Past past(8);
    past.live(60);
    past.remember();
    past.live(60);
    past.store_.reset();
    flip_all(past.path() + "/index", table);
    const Moment moment = past.moments_.back();
    const auto then = Store::open_as_of(past.path(), {moment.lsn, std::nullopt}, past.options_);
    past.check(moment, then);
    CHECK((*then)->stats()->index_bytes == 0);
  }
}

TEST_CASE("a log that lost its end is not taken for the past") {
  Past past(9);
  past.live(60);
  past.remember();
  const Moment moment = past.moments_.back();
  REQUIRE(past.store_->checkpoint().ok());
  past.live(1);
  past.store_.reset();
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(past.path() + "/log")) {
    newest = std::max(newest, entry.path().string());
  }
  std::filesystem::resize_file(newest, 64);
  const auto then = Store::open_as_of(
      past.path(), {std::nullopt, TimeUs{raw(moment.time) + 1'000'000'000'000}}, past.options_);
  REQUIRE_FALSE(then.ok());
  CHECK(then.error().code == ErrorCode::Corruption);
}
