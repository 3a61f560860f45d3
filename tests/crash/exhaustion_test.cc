// What runs out: the index's map, the disk under log, index and backup, reader slots; and readers
// that die with pages in their hands. The store says so clearly, goes on or refuses, and loses
// nothing it acknowledged.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <vector>

#include "engine/store.h"
#include "storage/lmdb_env.h"
#include "support/forgetful_file_system.h"
#include "support/random_occurrences.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;
using testing::ForgetfulFileSystem;
using testing::RandomOccurrences;
using testing::TempDir;

namespace {

StoreOptions small_store() {
  StoreOptions options;
  options.head_limit = 200;
  options.log_file_bytes = 64u << 10;
  options.index_map_bytes = 256u << 20;
  options.index_staged_bytes = 2u << 10;  // a segment takes several transactions
  return options;
}

std::unique_ptr<Store> open(const std::string& path, const StoreOptions& options) {
  auto store = Store::open(path, options);
  INFO((store.ok() ? std::string() : store.error().message));
  REQUIRE(store.ok());
  return std::move(store).value();
}

struct Written {
  uint64_t acknowledged = 0;
  std::optional<Error> error;  // that ended it
};

// Stores batches until one fails, or `batches` are in.
Written write(Store& store, RandomOccurrences& random, int batches) {
  Written written;
  for (int i = 0; i < batches; ++i) {
    std::vector<model::Message> batch;
    for (int n = 0; n < 50; ++n) batch.emplace_back(random.next());
    const auto result = store.submit(std::move(batch), {});
    if (!result.ok()) {
      written.error = result.error();
      return written;
    }
    for (const auto& item : result->items) {
      written.acknowledged += item.outcome == Outcome::Stored ? 1 : 0;
    }
  }
  return written;
}

void check_whole(const std::string& path, const StoreOptions& options, uint64_t acknowledged) {
  {
    const auto store = open(path, options);
    const auto stats = store->stats();
    REQUIRE(stats.ok());
    CHECK(stats->occurrences >= acknowledged);
    RandomOccurrences random(99);
    CHECK_FALSE(write(*store, random, 2).error);
  }
  const auto verified = Store::verify(path, true, options);
  REQUIRE(verified.ok());
  for (const auto& problem : verified->problems) FAIL(problem);
}

bool says(const std::optional<Error>& error, const std::string& piece) {
  return error && error->message.find(piece) != std::string::npos;
}

}  // namespace

TEST_CASE("a full map stops the store with advice; a larger one has everything") {
  TempDir dir;
  const std::string path = dir / "store";
  auto options = small_store();
  options.index_map_bytes = 1u << 20;
  RandomOccurrences random(1);
  Written written;
  {
    const auto store = open(path, options);
    written = write(*store, random, 2000);
    REQUIRE(written.error);
    INFO(written.error->message);
    CHECK(
        (written.error->code == ErrorCode::Exhausted || written.error->code == ErrorCode::Closed));
    CHECK(says(written.error, "map_bytes"));
    const auto again = write(*store, random, 1);
    CHECK(says(again.error, "open it again"));
  }
  CHECK(written.acknowledged > 0);
  // Still too small: refused with the same advice, and nothing is spoilt.
  {
    const auto again = Store::open(path, options);
    if (!again.ok()) CHECK(says(again.error(), "map_bytes"));
  }
  check_whole(path, small_store(), written.acknowledged);
}

TEST_CASE("a full disk under the log stops the store; room brings it back") {
  TempDir dir;
  ForgetfulFileSystem files;
  const std::string path = dir / "store";
  auto options = small_store();
  options.files = &files;
  RandomOccurrences random(2);
  Written written;
  {
    const auto store = open(path, options);
    files.limit_bytes(300'000);
    written = write(*store, random, 2000);
    REQUIRE(written.error);
    INFO(written.error->message);
    CHECK(written.error->code == ErrorCode::Exhausted);
  }
  CHECK(written.acknowledged > 0);
  files.limit_bytes(std::nullopt);
  check_whole(path, options, written.acknowledged);
}

TEST_CASE("a full disk under the index stops the store; room brings it back") {
  TempDir dir;
  const std::string path = dir / "store";
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // No file may grow beyond this: log files never do, the index does.
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1u << 20, 1u << 20};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(1);
    uint64_t acknowledged = 0;
    {
      auto store = Store::open(path, small_store());
      if (!store.ok()) _exit(2);
      RandomOccurrences random(3);
      const Written written = write(**store, random, 2000);
      if (!written.error) _exit(3);
      if (!says(written.error, "disk")) _exit(4);
      acknowledged = written.acknowledged;
    }
    _exit(::write(pipe_ends[1], &acknowledged, sizeof acknowledged) == sizeof acknowledged ? 0 : 5);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  uint64_t acknowledged = 0;
  REQUIRE(read(pipe_ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged);
  CHECK(acknowledged > 0);
  check_whole(path, small_store(), acknowledged);
}

TEST_CASE("a full disk under the backup leaves the old one, and the store goes on") {
  TempDir dir;
  ForgetfulFileSystem files;
  auto options = small_store();
  options.files = &files;
  RandomOccurrences random(4);
  const auto store = open(dir / "store", options);
  REQUIRE_FALSE(write(*store, random, 20).error);
  const std::string backup = dir / "backup";
  const auto first = store->backup(backup);
  REQUIRE(first.ok());
  REQUIRE_FALSE(write(*store, random, 100).error);
  // The store takes up to its present reserve; the copy does not fit.
  const auto used = store->stats()->log_bytes + first->bytes;
  files.limit_bytes(used + 100'000);
  const auto second = store->backup(backup);
  REQUIRE_FALSE(second.ok());
  INFO(second.error().message);
  CHECK(second.error().code == ErrorCode::Exhausted);
  const auto verified = Store::verify(backup, false, options);
  REQUIRE(verified.ok());
  CHECK(verified->problems.empty());
  CHECK(verified->backup->lsn == first->lsn);
  files.limit_bytes(std::nullopt);
  CHECK_FALSE(write(*store, random, 5).error);
  CHECK(store->backup(backup).ok());
}

namespace {

// A process that reads an index beside this one: takes up to `slots` reader slots when told to, and
// keeps them until it is killed.
class Reader {
 public:
  // Forks: to be made before this process opens the index, which must not be inherited.
  Reader(const std::string& path, int slots) {
    REQUIRE((pipe(to_child_) == 0 && pipe(to_parent_) == 0));
    child_ = fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) hold(path + "/index", slots);
  }
  ~Reader() { kill_now(); }

  int take() {
    char go = 'g';
    REQUIRE(::write(to_child_[1], &go, 1) == 1);
    int taken = 0;
    REQUIRE(read(to_parent_[0], &taken, sizeof taken) == sizeof taken);
    return taken;
  }
  void kill_now() {
    if (child_ <= 0) return;
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    child_ = 0;
  }

 private:
  [[noreturn]] void hold(const std::string& index, int slots) {
    char go = 0;
    if (read(to_child_[0], &go, 1) != 1) _exit(1);
    storage::IndexOptions options;
    options.map_bytes = small_store().index_map_bytes;
    options.read_only = true;
    const auto env = storage::LmdbEnv::open(index, options);
    if (!env.ok()) _exit(2);
    std::vector<std::unique_ptr<storage::ReadTxn>> held;
    while (static_cast<int>(held.size()) < slots) {
      auto txn = storage::ReadTxn::begin(**env);
      if (!txn.ok()) break;
      held.push_back(std::move(txn).value());
    }
    const int taken = static_cast<int>(held.size());
    if (::write(to_parent_[1], &taken, sizeof taken) != sizeof taken) _exit(3);
    while (true) pause();
  }

  int to_child_[2] = {};
  int to_parent_[2] = {};
  pid_t child_ = 0;
};

}  // namespace

TEST_CASE("when every reader slot is taken, asking says so; writing and acknowledging go on") {
  TempDir dir;
  const std::string path = dir / "store";
  RandomOccurrences random(5);
  uint64_t acknowledged = write(*open(path, small_store()), random, 5).acknowledged;
  Reader reader(path, 100'000);
  {
    const auto store = open(path, small_store());
    CHECK(reader.take() > 400);
    const auto refused = store->snapshot();
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::Exhausted);
    CHECK(says(refused.error(), "reader slot"));
    const Written written = write(*store, random, 2);  // no checkpoint comes due
    CHECK_FALSE(written.error);
    acknowledged += written.acknowledged;
    // The dead hold nothing: whoever finds no slot frees theirs.
    reader.kill_now();
    CHECK(store->snapshot().ok());
    const Written more = write(*store, random, 20);
    CHECK_FALSE(more.error);
    acknowledged += more.acknowledged;
  }
  check_whole(path, small_store(), acknowledged);
}

TEST_CASE("a reader that holds pages stops nobody, and dead it holds no slot") {
  TempDir dir;
  const std::string path = dir / "store";
  auto options = small_store();
  options.merging.fan_in = 2;  // which frees pages all the time
  RandomOccurrences random(6);
  uint64_t acknowledged = write(*open(path, options), random, 20).acknowledged;
  Reader reader(path, 1);
  {
    const auto store = open(path, options);
    CHECK(reader.take() == 1);
    const Written written = write(*store, random, 60);
    CHECK_FALSE(written.error);
    acknowledged += written.acknowledged;
    CHECK(store->stats()->readers >= 2);
  }
  reader.kill_now();
  {
    const auto store = open(path, options);
    CHECK(store->stats()->readers <= 2);
    const Written written = write(*store, random, 10);
    CHECK_FALSE(written.error);
    acknowledged += written.acknowledged;
  }
  check_whole(path, options, acknowledged);
}
