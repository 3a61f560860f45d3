#include "storage/lmdb_file.h"

#include <lmdb.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/coding.h"
#include "storage_fixture.h"

namespace cairn::storage {
namespace {

using testing::code_of;
using testing::must;
using testing::small_index;
using testing::TempDir;

constexpr uint64_t kPage = 4096;

IndexOptions options_for(bool read_only) {
  IndexOptions options = small_index();
  options.read_only = read_only;
  return options;
}

// A free list, a tree of two levels, and values of several pages.
Result<void> fill(LmdbEnv& env, int rounds = 3) {
  for (int round = 0; round < rounds; ++round) {
    CAIRN_TRY_ASSIGN(auto txn, WriteTxn::begin(env));
    for (int i = 0; i < 200; ++i) {
      CAIRN_TRY(txn->put(Table::Meta, std::to_string(i), std::string(40, 'v')));
    }
    for (int i = 0; i < 5; ++i) {
      const auto size = static_cast<size_t>(3000 * (round + i));
      CAIRN_TRY(txn->put(Table::Segments, std::to_string(i), std::string(size, 's')));
    }
    CAIRN_TRY(txn->commit());
  }
  return {};
}

// What LMDB's meta page says: bytes up to the end of the last page.
uint64_t needed_bytes(const std::string& directory) {
  MDB_env* env = nullptr;
  MDB_envinfo info{};
  MDB_stat stat{};
  REQUIRE(mdb_env_create(&env) == 0);
  CHECK(mdb_env_open(env, directory.c_str(), MDB_RDONLY | MDB_NOTLS, 0640) == 0);
  CHECK(mdb_env_info(env, &info) == 0);
  CHECK(mdb_env_stat(env, &stat) == 0);
  mdb_env_close(env);
  return (info.me_last_pgno + 1) * stat.ms_psize;
}

// Opens, reads everything and, when it may, writes. 0: worked; 1: Corruption; 2: another error.
int use(const std::string& directory, bool read_only) {
  auto env = LmdbEnv::open(directory, options_for(read_only));
  if (!env.ok()) return env.error().code == ErrorCode::Corruption ? 1 : 2;
  if (!read_only && !fill(**env, 1).ok()) return 2;
  auto txn = ReadTxn::begin(**env);
  if (!txn.ok()) return 2;
  for (const Table table : {Table::Meta, Table::Segments}) {
    size_t bytes = 0;
    auto add = [&](std::string_view, auto value) {
      for (const std::byte byte : value) bytes += static_cast<size_t>(byte);
      return true;
    };
    if (!(*txn)->scan(table, "", "", add).ok()) return 2;
  }
  return 0;
}

// A crash must not end the test run. -1: died of a signal.
int use_in_child(const std::string& directory, bool read_only) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(use(directory, read_only));
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("a file cut short is Corruption, never a crash") {
  TempDir dir;
  const std::string good = dir / "good", cut = dir / "cut";
  must(fill(*must(LmdbEnv::open(good, small_index()))));
  const uint64_t size = std::filesystem::file_size(good + "/data.mdb");
  REQUIRE(size == needed_bytes(good));
  CHECK(use_in_child(good, true) == 0);
  std::filesystem::create_directory(cut);
  std::vector<uint64_t> lengths = {0, 1, 151, 152, kPage + 1, kPage + 151, kPage + 152, size - 1};
  for (uint64_t at = kPage; at < size; at += kPage) lengths.push_back(at);
  for (uint64_t at = 2 * kPage + 777; at < size; at += 5 * kPage + 333) lengths.push_back(at);
  for (const uint64_t length : lengths) {
    for (const bool read_only : {true, false}) {
      CAPTURE(length, read_only);
      std::filesystem::copy_file(good + "/data.mdb", cut + "/data.mdb",
                                 std::filesystem::copy_options::overwrite_existing);
      std::filesystem::resize_file(cut + "/data.mdb", length);
      const int code = use_in_child(cut, read_only);
      if (length == 0) {
        CHECK(code == (read_only ? 2 : 0));  // an index not yet begun
      } else if (code == 0) {
        // Good only if nothing but free pages was missing, which a writer supplies.
        CHECK_FALSE(read_only);
        CHECK(use_in_child(cut, true) == 0);
      } else {
        CHECK(code == 1);
        CHECK(std::filesystem::file_size(cut + "/data.mdb") == length);
      }
    }
  }
}

TEST_CASE("a free list of several pages that is cut short does no harm") {
  TempDir dir;
  const std::string good = dir / "good", cut = dir / "cut";
  {
    const auto env = must(LmdbEnv::open(good, small_index()));
    const auto reader = must(ReadTxn::begin(*env));  // keeps freed pages from use
    for (int i = 0; i < 250; ++i) {
      auto txn = must(WriteTxn::begin(*env));
      must(txn->put(Table::Meta, "a", std::to_string(i)));
      must(txn->commit());
    }
  }
  const uint64_t size = std::filesystem::file_size(good + "/data.mdb");
  std::filesystem::create_directory(cut);
  for (uint64_t lost = 1; lost <= 40; ++lost) {
    CAPTURE(lost);
    std::filesystem::copy_file(good + "/data.mdb", cut + "/data.mdb",
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(cut + "/data.mdb", size - lost * kPage);
    const int code = use_in_child(cut, false);
    CHECK((code == 0 || code == 1));
    if (code == 0) CHECK(use_in_child(cut, true) == 0);
  }
}

TEST_CASE("the error names the file and says rebuild") {
  TempDir dir;
  must(fill(*must(LmdbEnv::open(dir.path(), small_index()))));
  std::filesystem::resize_file(dir / "data.mdb", 3 * kPage);
  for (const bool read_only : {true, false}) {
    const auto result = LmdbEnv::open(dir.path(), options_for(read_only));
    CHECK(code_of(result) == ErrorCode::Corruption);
    CHECK(result.error().message.find("data.mdb has 12288 bytes") != std::string::npos);
    CHECK(result.error().message.find("'cairn rebuild'") != std::string::npos);
  }
}

// Takes pages at the end of the file in a transaction that frees them again.
void take_and_free(WriteTxn& txn) {
  must(txn.put(Table::Segments, "big", std::string(40 * kPage, 'b')));
  must(txn.put(Table::Meta, "small", "s"));
  must(txn.erase(Table::Segments, "big"));
}

TEST_CASE("after a commit the file reaches its last page") {
  TempDir dir;
  must(fill(*must(LmdbEnv::open(dir.path(), small_index()))));
  {
    const auto env = must(LmdbEnv::open(dir.path(), small_index()));
    auto txn = must(WriteTxn::begin(*env));
    take_and_free(*txn);
    must(txn->commit());
  }
  CHECK(std::filesystem::file_size(dir / "data.mdb") == needed_bytes(dir.path()));
  CHECK(use_in_child(dir.path(), true) == 0);
}

TEST_CASE("LMDB leaves free pages at the end unwritten; the next writer supplies them") {
  TempDir dir;
  must(fill(*must(LmdbEnv::open(dir.path(), small_index()))));
  // What a process leaves that dies right after LMDB's commit.
  MDB_env* env = nullptr;
  REQUIRE(mdb_env_create(&env) == 0);
  REQUIRE(mdb_env_set_maxdbs(env, kTableCount) == 0);
  REQUIRE(mdb_env_set_mapsize(env, 1u << 30) == 0);
  REQUIRE(mdb_env_open(env, dir.path().c_str(), MDB_NOTLS, 0640) == 0);
  MDB_txn* txn = nullptr;
  MDB_dbi table = 0;
  REQUIRE(mdb_txn_begin(env, nullptr, 0, &txn) == 0);
  REQUIRE(mdb_dbi_open(txn, "segments", 0, &table) == 0);
  const auto put = [&](std::string key, size_t size) {
    std::string bytes(size, 'b');
    MDB_val k{key.size(), key.data()}, v{bytes.size(), bytes.data()};
    return mdb_put(txn, table, &k, &v, 0);
  };
  CHECK(put("small", 1) == 0);
  CHECK(put("big", 40 * kPage) == 0);
  std::string big = "big";
  MDB_val k{big.size(), big.data()};
  CHECK(mdb_del(txn, table, &k, nullptr) == 0);
  CHECK(mdb_txn_commit(txn) == 0);
  mdb_env_close(env);

  const uint64_t needed = needed_bytes(dir.path());
  REQUIRE(std::filesystem::file_size(dir / "data.mdb") < needed);
  CHECK(code_of(LmdbEnv::open(dir.path(), options_for(true))) == ErrorCode::Corruption);
  must(LmdbEnv::open(dir.path(), small_index()));
  CHECK(std::filesystem::file_size(dir / "data.mdb") >= needed);
  CHECK(use_in_child(dir.path(), true) == 0);
}

}  // namespace
}  // namespace cairn::storage
