// kill -9 at random moments: a child process writes and reports every acknowledgement through a
// pipe; after its death the store must hold every acknowledged occurrence, each once, and a replay
// must agree with the index.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <random>
#include <unordered_map>

#include "engine/store.h"
#include "support/random_occurrences.h"
#include "support/soak.h"
#include "support/temp_dir.h"

using namespace cairn;
using engine::Outcome;
using engine::Store;

namespace {

engine::StoreOptions small_store() {
  engine::StoreOptions options;
  options.head_limit = 150;  // so that kills hit checkpoints too
  options.log_file_bytes = 64u << 10;
  options.index_map_bytes = 256u << 20;
  options.index_staged_bytes = 2u << 10;  // a segment takes several transactions
  return options;
}

// Writes until it is killed. Reports the store's LSN after each acknowledged batch.
[[noreturn]] void write_until_killed(const std::string& path, uint64_t seed, int report_to) {
  auto store = Store::open(path, small_store());
  if (!store.ok()) _exit(3);
  testing::RandomOccurrences random(seed);
  while (true) {
    std::vector<model::Message> batch;
    const uint64_t size = 1 + random.below(40);
    for (uint64_t i = 0; i < size; ++i) batch.emplace_back(random.next());
    const auto result = (*store)->submit(std::move(batch), {});
    if (!result.ok()) _exit(4);
    const uint64_t lsn = raw(result->lsn);
    if (write(report_to, &lsn, sizeof lsn) != sizeof lsn) _exit(5);
    if (random.below(5) == 0) {
      const auto groups = (*store)->stats()->groups;
      const GroupId group{static_cast<uint32_t>(1 + random.below(groups))};
      const auto done = (*store)->execute(
          model::SetStatusCommand{group, model::Status::Resolved, model::Substatus::None}, {});
      if (!done.ok()) _exit(6);
      const uint64_t after = raw(done->lsn);
      if (write(report_to, &after, sizeof after) != sizeof after) _exit(5);
    }
  }
}

// Lets a child write for a random while, kills it, returns the last LSN it had acknowledged.
uint64_t run_and_kill(const std::string& path, uint64_t seed, useconds_t micros) {
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    close(pipe_ends[0]);
    write_until_killed(path, seed, pipe_ends[1]);
  }
  close(pipe_ends[1]);
  usleep(micros);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  uint64_t acknowledged = 0;
  uint64_t lsn = 0;
  while (read(pipe_ends[0], &lsn, sizeof lsn) == sizeof lsn) acknowledged = lsn;
  close(pipe_ends[0]);
  REQUIRE(WIFSIGNALED(status));
  return acknowledged;
}

}  // namespace

TEST_CASE("kill -9 loses nothing acknowledged and doubles nothing") {
  const uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  const int rounds = testing::soak_rounds(12);
  UNSCOPED_INFO("seed " << seed);
  testing::TempDir dir;
  for (int round = 0; round < rounds; ++round) {
    // A store is killed several times before a fresh one is begun.
    const std::string path = dir / fmt::format("store-{}", round / 4);
    const uint64_t acknowledged =
        run_and_kill(path, random(), static_cast<useconds_t>(random() % 120'000));
    INFO("seed " << seed << " round " << round << " acknowledged " << acknowledged);
    auto store = Store::open(path, small_store());
    INFO((store.ok() ? std::string() : store.error().message));
    REQUIRE(store.ok());
    REQUIRE(raw((*store)->stats()->last_lsn) >= acknowledged);
    std::unordered_map<std::string, int> seen;
    REQUIRE((*store)
                ->for_each_record(Lsn{1},
                                  [&](Lsn, const model::Record& record) -> Result<void> {
                                    if (const auto* occurrence =
                                            std::get_if<model::Occurrence>(&record.body)) {
                                      ++seen[occurrence->id.hex()];
                                    }
                                    return {};
                                  })
                .ok());
    for (const auto& [id, times] : seen) REQUIRE(times == 1);
    REQUIRE((*store)->stats()->occurrences == seen.size());
    REQUIRE((*store)->close().ok());
    store = make_error(ErrorCode::Closed, "done");
    const auto verified = Store::verify(path, true, small_store());
    REQUIRE(verified.ok());
    for (const auto& problem : verified->problems) FAIL(problem);
  }
}
