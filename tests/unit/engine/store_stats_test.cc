#include <catch2/catch.hpp>

#include "engine/store.h"
#include "storage/lmdb_env.h"
#include "support/random_occurrences.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;

namespace {

void fill(Store& store, int batches) {
  testing::RandomOccurrences random(41);
  for (int i = 0; i < batches; ++i) {
    std::vector<model::Message> batch;
    for (int n = 0; n < 50; ++n) batch.emplace_back(random.next());
    REQUIRE(store.submit(std::move(batch), {}).ok());
  }
}

}  // namespace

TEST_CASE("the parts of the index add up, digests come when asked for") {
  testing::TempDir dir;
  StoreOptions options;
  options.head_limit = 200;
  options.index_map_bytes = 256u << 20;
  const auto store = Store::open(dir / "store", options);
  REQUIRE(store.ok());
  fill(**store, 30);
  const auto stats = (*store)->stats();
  REQUIRE(stats.ok());
  const IndexSizes& sizes = stats->index;
  CHECK(sizes.dictionary + sizes.postings + sizes.columns + sizes.ids + sizes.state + sizes.past +
            sizes.log_positions + sizes.other ==
        stats->index_bytes);
  for (const uint64_t part : {sizes.dictionary, sizes.postings, sizes.columns, sizes.ids,
                              sizes.state, sizes.log_positions}) {
    CHECK(part > 0);
  }
  CHECK(stats->tables.size() == storage::kTableCount);
  CHECK(stats->index_bytes + stats->index_free_bytes <= stats->index_file_bytes);
  CHECK(stats->occurrences == 1500);
  CHECK(stats->kept_occurrences == 1500);
  CHECK(stats->removed.runs == 0);
  CHECK_FALSE(stats->digests);
  REQUIRE((*store)->stats(true)->digests);
  CHECK((*store)->stats(true)->digests->full == (*store)->digests()->full);
}

TEST_CASE("shrinking gives free pages back and changes no answer") {
  testing::TempDir dir;
  const std::string path = dir / "store";
  StoreOptions options;
  options.head_limit = 200;
  options.index_map_bytes = 256u << 20;
  std::string before;
  {
    const auto store = Store::open(path, options);
    REQUIRE(store.ok());
    fill(**store, 60);
    REQUIRE((*store)->compact().ok());
    before = (*store)->digests()->full.hex();
  }
  const auto shrunk = Store::shrink(path, options);
  INFO((shrunk.ok() ? std::string() : shrunk.error().message));
  REQUIRE(shrunk.ok());
  CHECK(shrunk->file_bytes_after < shrunk->file_bytes_before);
  const auto again = Store::shrink(path, options);
  REQUIRE(again.ok());
  CHECK(again->file_bytes_after == again->file_bytes_before);
  const auto store = Store::open(path, options);
  REQUIRE(store.ok());
  CHECK((*store)->digests()->full.hex() == before);
}
