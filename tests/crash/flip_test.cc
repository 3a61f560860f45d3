// Damage: every byte of a small store's log is flipped, and every file cut at many lengths. The
// store must report it with file and offset, or, where only unacknowledged bytes are concerned,
// be as it was. Never a crash, never a wrong answer.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/store.h"
#include "support/random_occurrences.h"
#include "support/soak.h"
#include "support/temp_dir.h"

using namespace cairn;
using engine::Store;

namespace {

namespace fs = std::filesystem;

engine::StoreOptions small_store() {
  engine::StoreOptions options;
  options.head_limit = 1000;
  options.close_limit = 1000;  // keep a tail to replay
  options.log_file_bytes = 8u << 10;
  options.index_map_bytes = 64u << 20;
  return options;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

struct Damaged {
  testing::TempDir dir;
  std::string path = dir / "store";
  std::string digest;
  uint64_t lsn = 0;

  Damaged() {
    auto store = Store::open(path, small_store());
    REQUIRE(store.ok());
    testing::RandomOccurrences random(11);
    for (int i = 0; i < 12; ++i) {
      std::vector<model::Message> batch;
      for (int k = 0; k < 4; ++k) batch.emplace_back(random.next());
      REQUIRE((*store)->submit(std::move(batch), {}).ok());
    }
    REQUIRE((*store)->close().ok());
    lsn = raw((*store)->stats()->last_lsn);
    digest = (*store)->digests()->full.hex();
  }

  std::vector<fs::path> log_files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(path + "/log")) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }

  // The damage in `file` is told, by a reader and by verify, or there is no damage to tell.
  void check(const fs::path& file, const std::string& what) const {
    INFO(what << " of " << file);
    auto options = small_store();
    options.read_only = true;
    const auto verified = Store::verify(path, false, options);
    REQUIRE(verified.ok());
    bool told = verified->torn_bytes > 0;
    for (const auto& problem : verified->problems) {
      told = told || problem.find(file.filename().string()) != std::string::npos;
    }
    CHECK(told);
    const auto reader = Store::open(path, options);
    if (!reader.ok()) {
      CHECK((reader.error().code == ErrorCode::Corruption ||
             reader.error().code == ErrorCode::Unsupported ||
             reader.error().code == ErrorCode::InvalidArgument));
      CHECK(reader.error().message.size() > 20);
      return;
    }
    // It opened: then it must hold all that was acknowledged, unchanged.
    CHECK((*reader)->digests()->full.hex() == digest);
  }
};

}  // namespace

TEST_CASE("a flipped byte anywhere in the log is reported and changes no answer") {
  const Damaged store;
  const size_t stride = testing::soak_rounds(1) > 1 ? 1 : 13;
  REQUIRE(store.log_files().size() >= 2);
  for (const auto& file : store.log_files()) {
    const std::string bytes = read_file(file);
    for (size_t at = 0; at < bytes.size(); at += (at < 256 ? 1 : stride)) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
      write_file(file, flipped);
      store.check(file, fmt::format("byte {} flipped", at));
    }
    write_file(file, bytes);
  }
}

TEST_CASE("a truncated log file is reported and changes no answer") {
  const Damaged store;
  const size_t stride = testing::soak_rounds(1) > 1 ? 7 : 97;
  for (const auto& file : store.log_files()) {
    const std::string bytes = read_file(file);
    for (size_t size = 0; size < bytes.size(); size += stride) {
      write_file(file, bytes.substr(0, size));
      store.check(file, fmt::format("all after byte {} lost", size));
    }
    write_file(file, bytes);
  }
}

TEST_CASE("a log file that is gone is reported") {
  const Damaged store;
  for (const auto& file : store.log_files()) {
    const std::string bytes = read_file(file);
    fs::remove(file);
    auto options = small_store();
    options.read_only = true;
    const auto reader = Store::open(store.path, options);
    CHECK_FALSE(reader.ok());
    const auto writer = Store::open(store.path, small_store());
    CHECK_FALSE(writer.ok());
    write_file(file, bytes);
  }
}
