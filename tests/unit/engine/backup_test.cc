#include "engine/backup.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/store.h"
#include "support/random_occurrences.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;
using testing::RandomOccurrences;
using testing::TempDir;

namespace fs = std::filesystem;

namespace {

struct Fixture {
  TempDir dir;
  StoreOptions options;
  RandomOccurrences random{21};
  Fixture() {
    options.head_limit = 100;
    options.log_file_bytes = 16u << 10;
    options.index_map_bytes = 256u << 20;
  }
  std::string store_path() const { return dir / "store"; }
  std::string backup_path() const { return dir / "backup"; }
  std::unique_ptr<Store> open(const std::string& path) {
    auto store = Store::open(path, options);
    INFO((store.ok() ? std::string() : store.error().message));
    REQUIRE(store.ok());
    return std::move(store).value();
  }
  void fill(Store& store, int batches) {
    for (int i = 0; i < batches; ++i) {
      std::vector<model::Message> batch;
      for (int n = 0; n < 40; ++n) batch.emplace_back(random.next());
      REQUIRE(store.submit(std::move(batch), {}).ok());
    }
  }
  BackupReport backup() {
    auto report = Store::backup(store_path(), backup_path(), options);
    INFO((report.ok() ? std::string() : report.error().message));
    REQUIRE(report.ok());
    return *report;
  }
  Result<RestoreReport> restore(const std::string& name) {
    return Store::restore(backup_path(), dir / name, options);
  }
};

std::string digests(const Digests& found) { return found.state.hex() + " " + found.full.hex(); }

std::string digests_at(const std::string& path, Lsn lsn, const StoreOptions& options) {
  AsOf moment;
  moment.lsn = lsn;
  const auto then = Store::open_as_of(path, moment, options);
  INFO((then.ok() ? std::string() : then.error().message));
  REQUIRE(then.ok());
  const auto found = (*then)->digests();
  REQUIRE(found.ok());
  return digests(*found);
}

void flip_byte(const std::string& path, uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ 0x40));
}

std::vector<std::string> log_files(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path + "/log")) {
    names.push_back(entry.path().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("a backup restores to the same store, which goes on") {
  Fixture f;
  std::string before;
  {
    const auto store = f.open(f.store_path());
    f.fill(*store, 20);
    const auto report = store->backup(f.backup_path());
    REQUIRE(report.ok());
    CHECK(report->lsn == (*store->snapshot())->lsn());
    CHECK(report->files > 2);
    CHECK(report->copied_files == report->files);
    before = digests(*store->digests());
  }
  const auto verified = Store::verify(f.backup_path(), false, f.options);
  REQUIRE(verified.ok());
  CHECK(verified->problems.empty());
  REQUIRE(verified->backup);

  const auto restored = f.restore("restored");
  INFO((restored.ok() ? std::string() : restored.error().message));
  REQUIRE(restored.ok());
  CHECK(digests(restored->digests) == before);
  CHECK(restored->store_id == verified->backup->store_id);
  const auto store = f.open(f.dir / "restored");
  CHECK(digests(*store->digests()) == before);
  f.fill(*store, 3);
  CHECK(raw((*store->snapshot())->lsn()) == raw(restored->lsn) + 120);
}

TEST_CASE("a second backup copies what is new and no more") {
  Fixture f;
  {
    const auto store = f.open(f.store_path());
    f.fill(*store, 20);
  }
  const BackupReport first = f.backup();
  const BackupReport again = f.backup();
  CHECK(again.copied_files == 0);
  CHECK(again.lsn == first.lsn);
  {
    const auto store = f.open(f.store_path());
    f.fill(*store, 20);
  }
  const BackupReport second = f.backup();
  CHECK(second.files > first.files);
  CHECK(second.copied_files <= second.files - first.files + 1);  // and the newest one's rest
  CHECK(second.copied_bytes == second.bytes - first.bytes);
  const auto restored = f.restore("restored");
  REQUIRE(restored.ok());
  CHECK(digests(restored->digests) == digests(*f.open(f.store_path())->digests()));
}

TEST_CASE("a backup during an import is one moment of the log") {
  Fixture f;
  std::atomic<bool> ended = false;
  std::vector<Lsn> lsns;
  {
    const auto store = f.open(f.store_path());
    f.fill(*store, 5);
    std::thread writer([&] {
      RandomOccurrences random(22);
      for (int i = 0; i < 200 && !ended; ++i) {
        std::vector<model::Message> batch;
        for (int n = 0; n < 30; ++n) batch.emplace_back(random.next());
        if (!store->submit(std::move(batch), {}).ok()) break;
      }
      ended = true;
    });
    do {
      const auto report = store->backup(f.backup_path());
      INFO((report.ok() ? std::string() : report.error().message));
      if (!report.ok()) ended = true;
      CHECK(report.ok());
      if (report.ok()) lsns.push_back(report->lsn);
    } while (!ended);
    writer.join();
  }
  REQUIRE_FALSE(lsns.empty());
  const auto restored = f.restore("restored");
  INFO((restored.ok() ? std::string() : restored.error().message));
  REQUIRE(restored.ok());
  CHECK(restored->lsn == lsns.back());
  CHECK(digests(restored->digests) == digests_at(f.store_path(), lsns.back(), f.options));
}

TEST_CASE("a backup of a store that another process writes") {
  Fixture f;
  f.fill(*f.open(f.store_path()), 3);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto store = Store::open(f.store_path(), f.options);
    if (!store.ok()) _exit(1);
    RandomOccurrences random(23);
    for (int i = 0; i < 100; ++i) {
      std::vector<model::Message> batch;
      for (int n = 0; n < 30; ++n) batch.emplace_back(random.next());
      if (!(*store)->submit(std::move(batch), {}).ok()) _exit(2);
    }
    store = make_error(ErrorCode::Closed, "done");
    _exit(0);
  }
  BackupReport last;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) last = f.backup();
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  last = f.backup();
  const auto restored = f.restore("restored");
  REQUIRE(restored.ok());
  CHECK(restored->lsn == last.lsn);
  CHECK(digests(restored->digests) == digests_at(f.store_path(), last.lsn, f.options));
}

TEST_CASE("damage and missing files of a backup are named, and nothing is left behind") {
  Fixture f;
  f.fill(*f.open(f.store_path()), 20);
  f.backup();
  const auto files = log_files(f.backup_path());
  const std::string victim = files[1];

  flip_byte(victim, 1000);
  auto verified = Store::verify(f.backup_path(), false, f.options);
  REQUIRE(verified.ok());
  REQUIRE(verified->problems.size() == 1);
  CHECK(verified->problems[0].find(victim) != std::string::npos);
  auto restored = f.restore("restored");
  REQUIRE_FALSE(restored.ok());
  CHECK(restored.error().code == ErrorCode::Corruption);
  CHECK(restored.error().message.find(victim) != std::string::npos);
  flip_byte(victim, 1000);
  CHECK(f.restore("restored").ok());  // into the same directory

  fs::rename(victim, victim + ".away");
  restored = f.restore("second");
  REQUIRE_FALSE(restored.ok());
  CHECK(restored.error().message.find(victim + ": the file is missing") != std::string::npos);
  fs::rename(victim + ".away", victim);
  fs::resize_file(victim, 500);
  verified = Store::verify(f.backup_path(), false, f.options);
  REQUIRE(verified.ok());
  REQUIRE(verified->problems.size() == 1);
  CHECK(verified->problems[0].find("cut short") != std::string::npos);
  // The next backup mends what is there no more.
  CHECK(f.backup().copied_files == 1);
  CHECK(f.restore("third").ok());

  flip_byte(f.backup_path() + "/cairn.backup", 30);
  CHECK(f.restore("fourth").error().code == ErrorCode::Corruption);
}

TEST_CASE("backup and restore refuse what is not theirs") {
  Fixture f;
  f.fill(*f.open(f.store_path()), 5);
  f.backup();
  // A store is no target, a backup is no store.
  auto refused = Store::restore(f.backup_path(), f.store_path(), f.options);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::Conflict);
  CHECK(Store::restore(f.store_path(), f.dir / "x", f.options).error().code == ErrorCode::NotFound);
  const auto opened = Store::open(f.backup_path(), f.options);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().message.find("cairn restore") != std::string::npos);
  // Another store's backup, and other things.
  f.fill(*f.open(f.dir / "other"), 1);
  CHECK(Store::backup(f.dir / "other", f.backup_path(), f.options).error().code ==
        ErrorCode::Conflict);
  fs::create_directory(f.dir / "full");
  std::ofstream(f.dir / "full/diary.txt") << "dear diary";
  CHECK(Store::backup(f.store_path(), f.dir / "full", f.options).error().code ==
        ErrorCode::Conflict);
}

TEST_CASE("a store that lost bytes does not spoil its backup") {
  Fixture f;
  f.fill(*f.open(f.store_path()), 20);
  const BackupReport before = f.backup();
  const std::string newest = log_files(f.store_path()).back();
  fs::resize_file(newest, fs::file_size(newest) - 100);
  const auto refused = Store::backup(f.store_path(), f.backup_path(), f.options);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::Conflict);
  const auto restored = f.restore("restored");
  REQUIRE(restored.ok());
  CHECK(restored->lsn == before.lsn);
}

TEST_CASE("retention reaches the backup, which restores to what is kept") {
  Fixture f;
  f.options.merging.fan_in = 1000;  // segments stay as they are made
  const auto store = f.open(f.store_path());
  f.fill(*store, 25);
  const BackupReport whole = f.backup();
  RetentionPolicy policy;
  policy.max_occurrences = 200;
  const auto retained = store->retain(policy);
  REQUIRE(retained.ok());
  REQUIRE(retained->log_files > 0);
  const BackupReport after = f.backup();
  CHECK(after.removed_files == retained->log_files);
  CHECK(after.files == whole.files - retained->log_files + 1);
  const auto restored = f.restore("restored");
  INFO((restored.ok() ? std::string() : restored.error().message));
  REQUIRE(restored.ok());
  CHECK(digests(restored->digests) == digests(*store->digests()));
}
