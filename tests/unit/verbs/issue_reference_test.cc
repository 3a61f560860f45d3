// Fingerprints name exactly the issues whose occurrences list them, whatever signs they hold.
#include "verbs/issue_reference.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "support/temp_dir.h"

using namespace cairn;

namespace {

model::Occurrence occurrence(uint8_t number, const std::string& fingerprint) {
  model::Occurrence o;
  o.id.bytes[15] = number;
  o.project = ProjectId{7};
  o.fingerprint = {fingerprint};
  o.title = "t";
  o.type = 1;
  o.detection_time = 1'600'000'000;
  return o;
}

// One issue for each fingerprint, numbered from 1.
std::unique_ptr<engine::Store> store_of(const std::string& directory,
                                        const std::vector<std::string>& fingerprints) {
  engine::StoreOptions options;
  options.index_map_bytes = 64u << 20;
  auto store = engine::Store::open(directory, options);
  REQUIRE(store);
  std::vector<model::Message> messages;
  for (const auto& fingerprint : fingerprints) {
    messages.emplace_back(occurrence(static_cast<uint8_t>(messages.size() + 1), fingerprint));
  }
  const auto stored = (*store)->submit(std::move(messages), {});
  REQUIRE(stored);
  for (const auto& item : stored->items) REQUIRE(item.outcome == engine::Outcome::Stored);
  return std::move(store).value();
}

}  // namespace

TEST_CASE("a fingerprint stands for its own issue only") {
  const std::vector<std::string> fingerprints = {
      "a z\\", "a",      "a\\",     "z\\", "a z",    "\"a z\\\"", "a\"b",     "star*",
      "star1", "star\\", "\\*",     "*",   "[a, z]", "a:b",       ">5",       "!a",
      "(a)",   "a OR z", "a\\\\*b", "~//", "\\\"",   "a | b",     "\xc3\xbc", "a  z\\\\"};
  const testing::TempDir dir;
  const auto store = store_of(dir / "store", fingerprints);
  const auto snapshot = store->snapshot();
  REQUIRE(snapshot);
  for (size_t i = 0; i < fingerprints.size(); ++i) {
    for (const char* prefix : {"fingerprint:", "7:fingerprint:"}) {
      INFO(prefix << fingerprints[i]);
      const auto found = verbs::find_issues(**snapshot, prefix + fingerprints[i]);
      REQUIRE(found);
      CHECK(*found == std::vector<GroupId>{GroupId{static_cast<uint32_t>(i + 1)}});
    }
  }
  for (const char* nobody : {"st*", "b", "A", " a", "a z\\ "}) {
    INFO(nobody);
    const auto found = verbs::find_issues(**snapshot, std::string("fingerprint:") + nobody);
    REQUIRE(!found);
    CHECK(found.error().code == ErrorCode::NotFound);
  }
  const auto empty = verbs::find_issues(**snapshot, std::string("fingerprint:"));
  REQUIRE(!empty);
  CHECK(empty.error().code == ErrorCode::InvalidArgument);
}
