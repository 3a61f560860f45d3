#include "engine/log_base.h"

#include <catch2/catch.hpp>

#include "log/base_file.h"
#include "storage/coding.h"
#include "support/forgetful_file_system.h"
#include "support/random_occurrences.h"

using namespace cairn;
using namespace cairn::engine;
using testing::ForgetfulFileSystem;
using testing::RandomOccurrences;

namespace {

const std::string kDirectory = "store/log";
constexpr Uuid kStore{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

model::Record record_of(model::RecordBody body, int64_t time) {
  model::Record record;
  record.time = TimeUs{time};
  record.actor = "ann";
  record.body = std::move(body);
  return record;
}

struct Made {
  BaseState state;
  std::vector<std::pair<Lsn, model::Record>> records;  // as they come back
};

// Folds a store's first records and writes their base.
Made write_base(ForgetfulFileSystem& files, Lsn last) {
  REQUIRE(files.make_directory(kDirectory).ok());
  RandomOccurrences random(31);
  Made made;
  auto writer = LogBaseWriter::create(files, kDirectory, kStore, last, nullptr);
  REQUIRE(writer.ok());
  for (uint64_t n = 1; n <= raw(last); ++n) {
    model::RecordBody body = random.next();
    if (n == 1) body = model::StoreCreated{kStore};
    if (n % 10 == 0) body = model::NothingChanged{};
    model::Record record = record_of(std::move(body), static_cast<int64_t>(n));
    record.key = Hash128{n, n % 10 == 0 ? n : 0};
    const auto applied = made.state.state.apply(record, Lsn{n});
    REQUIRE(applied.ok());
    for (const GroupId group : applied->touched) made.state.activity.emplace_back(group, Lsn{n});
    made.state.keys.push_back(record.key);
    made.state.last_time = record.time;
    const bool plain = std::holds_alternative<model::Occurrence>(record.body);
    if (plain && applied->touched.empty()) continue;
    model::Record kept = record;
    if (auto* occurrence = std::get_if<model::Occurrence>(&kept.body)) {
      occurrence->event.clear();
      occurrence->evidence_data.clear();
      occurrence->evidence_display.clear();
      occurrence->extra.clear();
    }
    made.records.emplace_back(Lsn{n}, std::move(kept));
    REQUIRE((*writer)->add_record(Lsn{n}, std::move(record)).ok());
  }
  Removed removed;
  removed.last_lsn = last;
  removed.occurrences = 77;
  removed.runs = 1;
  REQUIRE((*writer)->seal(made.state, removed).ok());
  REQUIRE((*writer)->install().ok());
  return made;
}

}  // namespace

TEST_CASE("a base gives back the state, keys, history and records") {
  ForgetfulFileSystem files;
  const Made made = write_base(files, Lsn{400});
  const auto base = LogBase::open(files, kDirectory, kStore);
  INFO((base.ok() ? std::string() : base.error().message));
  REQUIRE(base.ok());
  CHECK((*base)->lsn() == Lsn{400});
  CHECK((*base)->removed().occurrences == 77);
  const auto loaded = (*base)->load();
  INFO((loaded.ok() ? std::string() : loaded.error().message));
  REQUIRE(loaded.ok());
  CHECK(loaded->state.replay_digest() == made.state.state.replay_digest());
  CHECK(loaded->keys == made.state.keys);
  CHECK(loaded->activity == made.state.activity);
  CHECK(loaded->last_time == made.state.last_time);
  for (const auto& [lsn, record] : made.records) {
    const auto found = (*base)->record(lsn);
    REQUIRE(found.ok());
    CHECK(*found == record);
  }
  uint64_t verbatim = 0;
  REQUIRE((*base)
              ->for_each_record(Lsn{100},
                                [&](Lsn lsn, model::Record&& record) -> Result<void> {
                                  CHECK(lsn >= Lsn{100});
                                  CHECK_FALSE(
                                      std::holds_alternative<model::Occurrence>(record.body));
                                  ++verbatim;
                                  return {};
                                })
              .ok());
  CHECK(verbatim == 31);
}

TEST_CASE("the next base takes the records of the one before along") {
  ForgetfulFileSystem files;
  const Made made = write_base(files, Lsn{300});
  const auto before = LogBase::open(files, kDirectory, kStore);
  REQUIRE(before.ok());
  auto writer = LogBaseWriter::create(files, kDirectory, kStore, Lsn{500}, before->get());
  REQUIRE(writer.ok());
  REQUIRE((*writer)->add_record(Lsn{450}, record_of(model::NothingChanged{}, 450)).ok());
  Removed removed;
  removed.last_lsn = Lsn{500};
  REQUIRE((*writer)->seal(made.state, removed).ok());
  REQUIRE((*writer)->install().ok());
  const auto base = LogBase::open(files, kDirectory, kStore);
  REQUIRE(base.ok());
  CHECK((*base)->lsn() == Lsn{500});
  CHECK((*base)->record(Lsn{450}).ok());
  for (const auto& [lsn, record] : made.records) CHECK((*base)->record(lsn).value() == record);
  const auto gone = (*base)->record(Lsn{451});
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().code == ErrorCode::NotFound);
}

TEST_CASE("a damaged base is refused, wherever it is") {
  ForgetfulFileSystem files;
  write_base(files, Lsn{60});
  const std::string path = kDirectory + "/00000000000000000060.base";
  const auto whole = files.read_file(path);
  size_t accepted = 0;
  for (size_t at = 0; at < whole.size(); at += 3) {
    auto bytes = whole;
    bytes[at] ^= std::byte{0x11};
    files.write_file(path, std::move(bytes));
    const auto base = LogBase::open(files, kDirectory, kStore);
    if (!base.ok()) continue;
    const auto loaded = (*base)->load();
    const auto records =
        (*base)->for_each_record(Lsn{1}, [](Lsn, model::Record&&) -> Result<void> { return {}; });
    accepted += loaded.ok() && records.ok() ? 1 : 0;
  }
  CHECK(accepted < 30);  // bytes between frames mean nothing
}

TEST_CASE("a base of another fold is read or refused by its version") {
  for (const uint32_t version : {1u, model::kFoldVersion, model::kFoldVersion + 1}) {
    INFO("version " << version);
    ForgetfulFileSystem files;
    REQUIRE(files.make_directory(kDirectory).ok());
    auto writer = log::BaseFileWriter::create(files, kDirectory, kStore, Lsn{9});
    REQUIRE(writer.ok());
    storage::RowWriter summary;
    summary.integer(version);
    for (int i = 0; i < 6; ++i) summary.integer(uint64_t{0});
    summary.integer(uint32_t{1});
    log::BlockInfo info;
    info.kind = 1;
    info.count = 1;
    REQUIRE((*writer)->append(info, storage::as_byte_span(summary.bytes())).ok());
    REQUIRE((*writer)->seal().ok());
    REQUIRE((*writer)->install().ok());
    const auto base = LogBase::open(files, kDirectory, kStore);
    REQUIRE(base.ok() == (version == model::kFoldVersion));
    if (base.ok()) continue;
    CHECK(base.error().code == ErrorCode::Unsupported);
    CHECK_THAT(base.error().message,
               Catch::Contains("fold version " + std::to_string(version) + "; this build reads"));
  }
}
