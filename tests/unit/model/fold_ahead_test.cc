#include "model/fold_ahead.h"

#include <random>

#include "support/fold.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

// It reads what the fold is changing; all it may change is the time.
TEST_CASE("looking ahead changes nothing, whatever it sees and however early") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::vector<Occurrence> occurrences;
  for (uint64_t i = 0; i < 3000; ++i) {
    const std::string name = "f" + std::to_string(random() % 200);
    Occurrence one =
        occurrence(random() % 2 == 0 ? kShop : kApi, {name}, static_cast<int64_t>(i), i + 1);
    if (random() % 9 == 0) one.title = "Another title " + name;
    if (random() % 9 == 0) one.culprit.reset();
    occurrences.push_back(std::move(one));
  }
  Fold plain, hurried;
  for (const Occurrence& one : occurrences) plain.apply(one, 1);
  FoldAhead ahead(hurried.state);
  ahead.see(Occurrence{});
  const size_t distance = random() % (2 * FoldAhead::kDistance);
  for (size_t i = 0; i < occurrences.size() + distance; ++i) {
    if (i < occurrences.size()) ahead.see(occurrences[i]);
    if (i >= distance) hurried.apply(occurrences[i - distance], 1);
  }
  CHECK(hurried.state.replay_digest() == plain.state.replay_digest());
}
