#include "storage/lmdb_env.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "base/hash.h"
#include "storage/coding.h"
#include "storage_fixture.h"

namespace cairn::storage {
namespace {

using testing::code_of;
using testing::IndexFixture;
using testing::must;
using testing::small_index;
using testing::TempDir;

void put_one(LmdbEnv& env, std::string_view key, std::string_view value) {
  auto txn = must(WriteTxn::begin(env));
  must(txn->put(Table::Meta, key, value));
  must(txn->commit());
}

std::string get_one(const ReadTxn& txn, std::string_view key) {
  const auto value = must(txn.get(Table::Meta, key));
  return value ? std::string(as_chars(*value)) : "(none)";
}

// Runs `work` in a child process; its exit code. The child must not run Catch's own exit.
template <class F>
int in_child(F&& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("values are written, read, erased and survive a reopen") {
  IndexFixture index;
  {
    auto txn = index.write();
    must(txn->put(Table::Meta, "a", "1"));
    must(txn->put(Table::Meta, "b", "2"));
    must(txn->put(Table::Meta, "empty", ""));
    must(txn->put(Table::Keys, "a", "another table"));
    must(txn->erase(Table::Meta, "b"));
    must(txn->erase(Table::Meta, "never there"));
    const auto space = must(txn->reserve(Table::Meta, "r", 5));
    std::memcpy(space.data(), "space", 5);
    CHECK(as_chars(*must(txn->get(Table::Meta, "r"))) == "space");
    CHECK_FALSE(must(txn->get(Table::Meta, "b")));
    CHECK(txn->bytes_written() == 2 + 2 + 5 + 14 + 6);
    must(txn->commit());
  }
  index.reopen();
  const auto txn = index.read();
  CHECK(get_one(*txn, "a") == "1");
  CHECK(get_one(*txn, "b") == "(none)");
  CHECK(get_one(*txn, "empty").empty());
  CHECK(get_one(*txn, "r") == "space");
  CHECK(must(txn->entries(Table::Meta)) == 3);
  CHECK(must(txn->entries(Table::Keys)) == 1);
}

TEST_CASE("an aborted write leaves nothing") {
  IndexFixture index;
  put_one(*index.env, "a", "old");
  must(index.write()->put(Table::Meta, "a", "new"));
  CHECK(get_one(*index.read(), "a") == "old");
}

TEST_CASE("append takes ascending keys only") {
  IndexFixture index;
  auto txn = index.write();
  must(txn->append(Table::Frames, "b", as_byte_span("1")));
  must(txn->append(Table::Frames, "c", as_byte_span("2")));
  CHECK(code_of(txn->append(Table::Frames, "a", as_byte_span("3"))) == ErrorCode::Internal);
}

TEST_CASE("keys have 1 to 511 bytes") {
  IndexFixture index;
  auto txn = index.write();
  CHECK(code_of(txn->put(Table::Meta, "", "x")) == ErrorCode::Internal);
  CHECK(code_of(txn->put(Table::Meta, std::string(512, 'k'), "x")) == ErrorCode::Internal);
  must(txn->put(Table::Meta, std::string(511, 'k'), "x"));
}

TEST_CASE("scans begin where told, keep to the prefix and stop when told") {
  IndexFixture index;
  {
    auto txn = index.write();
    for (const char* key : {"a1", "a2", "a3", "b1"}) must(txn->put(Table::Keys, key, key));
    must(txn->commit());
  }
  const auto txn = index.read();
  const auto scan = [&](std::string_view from, std::string_view prefix, size_t limit) {
    std::string keys;
    must(txn->scan(Table::Keys, from, prefix, [&](std::string_view key, auto value) {
      CHECK(as_chars(value) == key);
      keys += key;
      return keys.size() < 2 * limit;
    }));
    return keys;
  };
  CHECK(scan("", "", 9) == "a1a2a3b1");
  CHECK(scan("a", "a", 9) == "a1a2a3");
  CHECK(scan("a2", "a", 9) == "a2a3");
  CHECK(scan("a2", "", 2) == "a2a3");
  CHECK(scan("c", "", 9).empty());
  const auto floor = [&](std::string_view key) {
    const auto entry = must(txn->floor(Table::Keys, key));
    return entry ? std::string(entry->first) : "(none)";
  };
  CHECK(floor("a0") == "(none)");
  CHECK(floor("a1") == "a1");
  CHECK(floor("a9") == "a3");
  CHECK(floor("z") == "b1");
  CHECK_FALSE(must(txn->floor(Table::Groups, "z")));
}

TEST_CASE("a snapshot does not change while others write") {
  IndexFixture index;
  put_one(*index.env, "a", "old");
  const auto before = index.read();
  put_one(*index.env, "a", "new");
  CHECK(get_one(*before, "a") == "old");
  CHECK(get_one(*index.read(), "a") == "new");
  // Also from another thread than the one that began it.
  std::thread([&] { CHECK(get_one(*before, "a") == "old"); }).join();
}

TEST_CASE("a snapshot has a twin until somebody writes") {
  IndexFixture index;
  put_one(*index.env, "a", "1");
  const auto txn = must(ReadTxn::begin(*index.env));
  {
    const auto twin = txn->twin();
    REQUIRE(twin != nullptr);
    std::string seen;
    std::thread([&] { seen = get_one(*twin, "a"); }).join();
    CHECK(seen == get_one(*txn, "a"));
  }
  put_one(*index.env, "a", "2");
  CHECK(txn->twin() == nullptr);
}

TEST_CASE("a directory is opened once in a process, whatever its path") {
  IndexFixture index;
  const auto again = LmdbEnv::open(
      index.dir / "../" + index.dir.path().substr(index.dir.path().rfind('/') + 1), small_index());
  CHECK(code_of(again) == ErrorCode::Conflict);
  CHECK(again.error().message.find("already open") != std::string::npos);
  index.reopen();  // after closing it may be opened again
}

TEST_CASE("a failed open does not keep the directory") {
  TempDir dir;
  std::ofstream(dir / "data.mdb") << std::string(8192, 'x');
  CHECK(code_of(LmdbEnv::open(dir.path(), small_index())) == ErrorCode::Corruption);
  std::filesystem::remove(dir / "data.mdb");
  must(LmdbEnv::open(dir.path(), small_index()));
}

TEST_CASE("read-only: no index, an empty one, a good one") {
  TempDir dir;
  IndexOptions options = small_index();
  options.read_only = true;
  const auto missing = LmdbEnv::open(dir / "nowhere", options);
  CHECK(code_of(missing) == ErrorCode::NotFound);
  CHECK(missing.error().message.find("is missing") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(dir / "nowhere"));
  put_one(*must(LmdbEnv::open(dir / "index", small_index())), "a", "1");
  const auto env = must(LmdbEnv::open(dir / "index", options));
  CHECK(get_one(*must(ReadTxn::begin(*env)), "a") == "1");
  CHECK(code_of(WriteTxn::begin(*env)) == ErrorCode::Conflict);
}

TEST_CASE("a directory that cannot be made is an Io error with its path") {
  TempDir dir;
  std::ofstream(dir / "file") << "x";
  const auto result = LmdbEnv::open(dir / "file/index", small_index());
  CHECK(code_of(result) == ErrorCode::Io);
  CHECK(result.error().message.find("file/index") != std::string::npos);
}

TEST_CASE("a full map says what to do and leaves the old state") {
  TempDir dir;
  IndexOptions options;
  options.map_bytes = 1u << 20;
  {
    const auto env = must(LmdbEnv::open(dir.path(), options));
    put_one(*env, "a", "old");
    auto txn = must(WriteTxn::begin(*env));
    must(txn->put(Table::Meta, "a", "new"));
    const auto full = txn->put(Table::Meta, "big", std::string(2u << 20, 'x'));
    CHECK(code_of(full) == ErrorCode::Exhausted);
    CHECK(full.error().message.find("map_bytes") != std::string::npos);
    CHECK_FALSE(txn->commit().ok());
    CHECK(get_one(*must(ReadTxn::begin(*env)), "a") == "old");
  }
  options.map_bytes = 8u << 20;
  const auto env = must(LmdbEnv::open(dir.path(), options));
  put_one(*env, "big", std::string(2u << 20, 'x'));
  CHECK(get_one(*must(ReadTxn::begin(*env)), "a") == "old");
}

TEST_CASE("reader slots run out with advice, and come back") {
  TempDir dir;
  IndexOptions options = small_index();
  options.max_readers = 3;
  const auto env = must(LmdbEnv::open(dir.path(), options));
  std::vector<std::unique_ptr<ReadTxn>> readers;
  Result<std::unique_ptr<ReadTxn>> next = ReadTxn::begin(*env);
  while (next.ok()) {
    REQUIRE(readers.size() < 1000);
    readers.push_back(std::move(next).value());
    next = ReadTxn::begin(*env);
  }
  CHECK(readers.size() >= 3);
  CHECK(next.error().code == ErrorCode::Exhausted);
  CHECK(next.error().message.find("max_readers") != std::string::npos);
  readers.pop_back();
  must(ReadTxn::begin(*env));
}

TEST_CASE("info counts readers and bytes") {
  IndexFixture index;
  const auto before = must(index.env->info());
  CHECK(before.map_bytes == small_index().map_bytes);
  CHECK(before.max_readers >= small_index().max_readers);
  const auto reader = index.read(), another = index.read();
  {
    auto txn = index.write();
    must(txn->put(Table::Meta, "big", std::string(1u << 20, 'x')));
    must(txn->commit());
  }
  const auto after = must(index.env->info());
  CHECK(after.used_bytes >= before.used_bytes + (1u << 20));
  CHECK(after.file_bytes >= after.used_bytes);
  // Slots of ended readers stay reserved for the process that had them.
  CHECK(after.readers >= 2);
}

TEST_CASE("another process reads beside the writer and sees each commit") {
  TempDir dir;
  int to_child[2], to_parent[2];
  REQUIRE(::pipe(to_child) == 0);
  REQUIRE(::pipe(to_parent) == 0);
  const auto wait_for = [](int fd) {
    char byte = 0;
    return ::read(fd, &byte, 1) == 1;
  };
  const auto tell = [](int fd) { return ::write(fd, "x", 1) == 1; };
  // The child starts before any environment is open: LMDB must not be used across fork.
  const pid_t child = ::fork();
  if (child == 0) {
    if (!wait_for(to_child[0])) ::_exit(1);
    IndexOptions options = small_index();
    options.read_only = true;
    auto env = LmdbEnv::open(dir.path(), options);
    if (!env.ok()) ::_exit(2);
    const auto sees = [&](std::string_view expected) {
      auto txn = ReadTxn::begin(**env);
      if (!txn.ok()) return false;
      const auto value = (*txn)->get(Table::Meta, "a");
      return value.ok() && value.value() && as_chars(*value.value()) == expected;
    };
    if (!sees("1")) ::_exit(3);
    if (!tell(to_parent[1]) || !wait_for(to_child[0])) ::_exit(4);
    ::_exit(sees("2") ? 0 : 5);
  }
  const auto env = must(LmdbEnv::open(dir.path(), small_index()));
  put_one(*env, "a", "1");
  CHECK(tell(to_child[1]));
  CHECK(wait_for(to_parent[0]));
  put_one(*env, "a", "2");
  CHECK(tell(to_child[1]));
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  for (const int fd : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) ::close(fd);
}

TEST_CASE("the slot of a killed reader is freed") {
  TempDir dir;
  must(LmdbEnv::open(dir.path(), small_index()));
  const int code = in_child([&] {
    auto env = LmdbEnv::open(dir.path(), small_index());
    if (!env.ok()) return 1;
    auto reader = ReadTxn::begin(**env);
    if (!reader.ok()) return 2;
    ::_exit(0);  // without ending the transaction
  });
  CHECK(code == 0);
  // Opening clears stale slots, so nothing is left to clear.
  const auto env = must(LmdbEnv::open(dir.path(), small_index()));
  CHECK(must(env->clear_stale_readers()) == 0);
  CHECK(must(env->info()).readers <= 1);
}

TEST_CASE("growth by another process is adopted, but not under open readers") {
  TempDir dir;
  IndexOptions tiny;
  tiny.map_bytes = 1u << 20;
  int to_child[2], to_parent[2];
  REQUIRE(::pipe(to_child) == 0);
  REQUIRE(::pipe(to_parent) == 0);
  char byte = 0;
  const pid_t child = ::fork();
  if (child == 0) {
    if (::read(to_child[0], &byte, 1) != 1) ::_exit(1);
    auto env = LmdbEnv::open(dir.path(), small_index());
    if (!env.ok()) ::_exit(2);
    auto txn = WriteTxn::begin(**env);
    if (!txn.ok()) ::_exit(3);
    const std::string big(8u << 20, 'x');
    if (!(*txn)->put(Table::Meta, "big", big).ok() || !(*txn)->commit().ok()) ::_exit(4);
    ::_exit(::write(to_parent[1], "x", 1) == 1 ? 0 : 5);
  }
  const auto env = must(LmdbEnv::open(dir.path(), tiny));
  put_one(*env, "a", "1");
  auto reader = must(ReadTxn::begin(*env));
  REQUIRE(::write(to_child[1], "x", 1) == 1);
  REQUIRE(::read(to_parent[0], &byte, 1) == 1);
  CHECK(code_of(ReadTxn::begin(*env)) == ErrorCode::Exhausted);
  CHECK(code_of(WriteTxn::begin(*env)) == ErrorCode::Exhausted);
  CHECK(get_one(*reader, "a") == "1");
  reader.reset();
  CHECK(get_one(*must(ReadTxn::begin(*env)), "big").size() == 8u << 20);
  put_one(*env, "a", "2");
  CHECK(must(env->info()).map_bytes > tiny.map_bytes);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  for (const int fd : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) ::close(fd);
}

}  // namespace
}  // namespace cairn::storage
