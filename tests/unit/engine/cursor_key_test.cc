#include "engine/cursor_key.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <random>

#include "engine/store.h"
#include "query/cursor.h"
#include "support/forgetful_file_system.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;
using testing::TempDir;

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<MacKey> key_of(FileSystem& files, const StoreLayout& layout) {
  const auto key = read_cursor_key(files, layout);
  if (!key.ok()) FAIL(key.error().message);
  return *key;
}

}  // namespace

TEST_CASE("a store gets a key when it is opened for writing, for its owner alone") {
  const TempDir dir;
  const StoreLayout layout(dir / "store");
  const auto files = make_posix_file_system();
  CHECK_FALSE(key_of(*files, layout));
  REQUIRE(Store::open(layout.root, {}).ok());
  const auto key = key_of(*files, layout);
  REQUIRE(key);
  struct stat info {};
  REQUIRE(::stat(layout.cursor_key().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  // It stays, and another store has another.
  REQUIRE(Store::open(layout.root, {}).ok());
  CHECK(*key_of(*files, layout) == *key);
  REQUIRE(Store::open(dir / "other", {}).ok());
  CHECK_FALSE(*key_of(*files, StoreLayout(dir / "other")) == *key);
}

TEST_CASE("what is no key is none, and is replaced by who writes") {
  const TempDir dir;
  const StoreLayout layout(dir / "store");
  const auto files = make_posix_file_system();
  REQUIRE(Store::open(layout.root, {}).ok());
  const std::string good = text_of(layout.cursor_key());
  for (const std::string& wrong :
       {std::string(), good.substr(0, good.size() - 1), good + "x",
        "cairn cursor key 2\n" + good.substr(19), good.substr(0, 30) + "G" + good.substr(31),
        good.substr(0, 30) + "A" + good.substr(31), std::string(1 << 20, 'x')}) {
    std::ofstream(layout.cursor_key(), std::ios::binary) << wrong;
    CHECK_FALSE(key_of(*files, layout));
    StoreOptions reading;
    reading.read_only = true;
    {
      const auto reader = Store::open(layout.root, reading);
      REQUIRE(reader.ok());
      CHECK((*(*reader)->snapshot())->view().seal == nullptr);
      const auto refused = (*reader)->snapshot_for("AAAA");
      REQUIRE_FALSE(refused.ok());
      CHECK(refused.error().code == ErrorCode::Unsupported);
    }
    CHECK(text_of(layout.cursor_key()) == wrong);  // who reads changes nothing
    REQUIRE(Store::open(layout.root, {}).ok());
    CHECK(key_of(*files, layout));
  }
}

TEST_CASE("a key that cannot be read now is kept, and the reason told") {
  const TempDir dir;
  const StoreLayout layout(dir / "store");
  const auto files = make_posix_file_system();
  REQUIRE(Store::open(layout.root, {}).ok());
  const MacKey key = *key_of(*files, layout);
  const std::string aside = dir / "aside";
  std::filesystem::rename(layout.cursor_key(), aside);
  std::filesystem::create_symlink("cursor.key", layout.cursor_key());  // leads to itself
  const auto unread = read_cursor_key(*files, layout);
  REQUIRE_FALSE(unread.ok());
  CHECK(unread.error().code == ErrorCode::Io);
  for (const bool read_only : {true, false}) {
    StoreOptions options;
    options.read_only = read_only;
    const auto store = Store::open(layout.root, options);
    REQUIRE(store.ok());
    const auto refused = (*store)->snapshot_for("AAAA");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::Unsupported);
    CHECK(refused.error().message.find(unread.error().message) != std::string::npos);
    const auto snapshot = (*store)->snapshot();
    CHECK(query::why_no_cursors((*snapshot)->view()) == refused.error().message);
  }
  REQUIRE(std::filesystem::is_symlink(layout.cursor_key()));
  std::filesystem::remove(layout.cursor_key());
  std::filesystem::rename(aside, layout.cursor_key());
  REQUIRE(Store::open(layout.root, {}).ok());
  CHECK(*key_of(*files, layout) == key);
}

TEST_CASE("why a key cannot be made is told") {
  const TempDir dir;
  const StoreLayout layout(dir / "store");
  REQUIRE(Store::open(layout.root, {}).ok());
  std::filesystem::remove(layout.cursor_key());
  std::filesystem::create_directories(layout.cursor_key() + ".new/in the way");
  const auto store = Store::open(layout.root, {});
  REQUIRE(store.ok());
  const auto snapshot = (*store)->snapshot();
  CHECK((*snapshot)->view().seal == nullptr);
  const std::string why = query::why_no_cursors((*snapshot)->view());
  CHECK(why.find("cursor.key.new") != std::string::npos);
}

TEST_CASE("a backup does not carry the key") {
  const TempDir dir;
  {
    const auto store = Store::open(dir / "store", {});
    REQUIRE(store.ok());
    REQUIRE((*store)->backup(dir / "backup").ok());
  }
  REQUIRE(Store::restore(dir / "backup", dir / "restored", {}).ok());
  CHECK(std::filesystem::exists(dir / "store/cursor.key"));
  CHECK_FALSE(std::filesystem::exists(dir / "backup/cursor.key"));
  CHECK_FALSE(std::filesystem::exists(dir / "restored/cursor.key"));
}

TEST_CASE("a key is whole after a power cut, or not there") {
  const StoreLayout layout("store");
  for (uint64_t call = 1; call < 12; ++call) {
    testing::ForgetfulFileSystem files;
    REQUIRE(files.make_directory(layout.root).ok());
    files.cut_power_at(files.calls() + call);
    const auto made = make_cursor_key(files, layout);
    std::mt19937_64 keep(call);
    files.crash(call % 2 == 0 ? &keep : nullptr);
    const auto found = key_of(files, layout);
    if (made.ok()) {
      REQUIRE(found);
      CHECK(*found == *made);
    }
    const auto again = make_cursor_key(files, layout);
    REQUIRE(again.ok());
    CHECK(*key_of(files, layout) == *again);
  }
}
