#include "storage/value_table.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <random>
#include <string>

#include "base/hash.h"

namespace cairn::storage {
namespace {

uint64_t key_of(FieldId field, std::string_view value) { return value_key(field, hash64(value)); }

}  // namespace

TEST_CASE("a table finds what was added, by its text and not by its hash alone") {
  ValueTable table;
  const FieldId field{3};
  // The same key for all: only the texts differ.
  for (uint32_t i = 1; i <= 50; ++i) table.add(42, field, std::to_string(i), ValueId{i});
  for (uint32_t i = 1; i <= 50; ++i) {
    const ValueText* found = table.find(42, field, std::to_string(i));
    REQUIRE(found != nullptr);
    CHECK(found->id == i);
  }
  CHECK(table.find(42, field, "51") == nullptr);
  CHECK(table.find(42, FieldId{4}, "1") == nullptr);
  CHECK(table.find(43, field, "1") == nullptr);
}

TEST_CASE("a table beside a map, with forgetting") {
  const uint64_t seed = 4711;
  std::cout << "value_table_test: seed " << seed << '\n';
  std::mt19937_64 random(seed);
  ValueTable table;
  constexpr uint64_t kLimit = 600'000;
  table.limit(kLimit);
  std::map<std::pair<uint16_t, std::string>, uint32_t> ids;
  std::map<std::pair<uint16_t, std::string>, const ValueText*> pinned;
  size_t missed = 0, asked = 0;
  uint64_t largest = 0;
  for (int i = 0; i < 200'000; ++i) {
    if (i % 5000 == 0) {
      // What was added before the last mark becomes durable.
      table.unpin(table.mark());
      pinned.clear();
    }
    const bool often = random() % 2 == 0;
    const FieldId field{static_cast<uint16_t>(1 + random() % 3)};
    const uint64_t n = often ? random() % 500 : random() % 100'000;
    const std::string value = "value " + std::to_string(n) + std::string(n % 40, '.');
    const auto name = std::pair(raw(field), value);
    ValueText* found = table.find(key_of(field, value), field, value);
    const auto known = ids.find(name);
    if (found != nullptr) {
      found->asked = true;
      REQUIRE(known != ids.end());
      REQUIRE(found->id == known->second);
      REQUIRE(found->view() == value);
      ++asked;
      continue;
    }
    REQUIRE(pinned.find(name) == pinned.end());
    if (known == ids.end()) ids.emplace(name, static_cast<uint32_t>(ids.size() + 1));
    if (often && known != ids.end()) ++missed;
    pinned[name] = table.add(key_of(field, value), field, value, ValueId{ids[name]});
    largest = std::max(largest, table.memory_bytes());
  }
  for (const auto& [name, text] : pinned) REQUIRE(text->view() == name.second);
  // What is asked for often stays, and memory stays near the limit (pinned texts come on top).
  CHECK(missed < asked / 20);
  CHECK(largest < 4 * kLimit);
}

}  // namespace cairn::storage
