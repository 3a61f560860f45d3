#include "storage/dictionary.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "base/hash.h"
#include "model/field.h"
#include "storage/coding.h"
#include "storage_fixture.h"

namespace cairn::storage {
namespace {

using model::field::kTitle;
using model::field::kUser;
using testing::code_of;
using testing::IndexFixture;
using testing::must;

void checkpoint(LmdbEnv& env, Dictionary& dictionary) {
  auto txn = must(WriteTxn::begin(env));
  must(dictionary.save(*txn));
  must(txn->commit());
  dictionary.checkpointed();
}

TEST_CASE("tags get dense fields in order of appearance") {
  Dictionary dictionary;
  CHECK(must(dictionary.intern_tag("browser")) == FieldId{64});
  CHECK(must(dictionary.intern_tag("")) == FieldId{65});
  CHECK(must(dictionary.intern_tag("browser")) == FieldId{64});
  CHECK(dictionary.find_tag("browser") == FieldId{64});
  CHECK_FALSE(dictionary.find_tag("os"));
  CHECK(dictionary.field_name(FieldId{64}) == "browser");
  CHECK(dictionary.field_name(FieldId{66}).empty());
  CHECK(dictionary.field_name(model::field::kLevel) == "level");
  CHECK(dictionary.field_name(FieldId{0}).empty());
  CHECK(dictionary.is_tag(FieldId{65}));
  CHECK_FALSE(dictionary.is_tag(FieldId{66}));
  CHECK_FALSE(dictionary.is_tag(kUser));
  CHECK(dictionary.tag_fields() == std::vector<FieldId>{FieldId{64}, FieldId{65}});
}

TEST_CASE("tag keys end at 65,000") {
  Dictionary dictionary;
  for (int i = 0; i < 65'000; ++i) must(dictionary.intern_tag(std::to_string(i)));
  const auto refused = dictionary.intern_tag("one more");
  CHECK(code_of(refused) == ErrorCode::Exhausted);
  CHECK(refused.error().message.find("one more") != std::string::npos);
  CHECK(must(dictionary.intern_tag("64999")) == FieldId{65'063});
  CHECK(dictionary.tag_fields().size() == 65'000);
}

TEST_CASE("memory only: values work without an index") {
  Dictionary dictionary;
  CHECK(must(dictionary.intern(kUser, "", nullptr)) == ValueId{1});
  CHECK(must(dictionary.intern(kUser, "id:7", nullptr)) == ValueId{2});
  CHECK(must(dictionary.intern(kTitle, "id:7", nullptr)) == ValueId{1});
  CHECK(must(dictionary.intern(kUser, "", nullptr)) == ValueId{1});
  CHECK(must(dictionary.find(kUser, "id:7", nullptr)) == ValueId{2});
  CHECK_FALSE(must(dictionary.find(kUser, "id:8", nullptr)));
  CHECK_FALSE(must(dictionary.find(FieldId{500}, "x", nullptr)));
  CHECK(must(dictionary.value(kUser, ValueId{1}, nullptr)).empty());
  CHECK(code_of(dictionary.value(kUser, ValueId{3}, nullptr)) == ErrorCode::NotFound);
  CHECK(code_of(dictionary.value(kUser, ValueId{0}, nullptr)) == ErrorCode::NotFound);
  CHECK(dictionary.value_count(kUser) == 2);
  CHECK(dictionary.value_count(FieldId{500}) == 0);
}

// A twin that never forgets.
struct Twin {
  std::map<FieldId, std::map<std::string, ValueId>> ids;
  std::map<FieldId, std::vector<std::string>> values;

  ValueId intern(FieldId field, const std::string& value) {
    const auto [it, added] =
        ids[field].emplace(value, ValueId{static_cast<uint32_t>(values[field].size() + 1)});
    if (added) values[field].push_back(value);
    return it->second;
  }
};

std::string random_value(std::mt19937_64& rng) {
  const uint64_t n = rng() % 3000;
  if (n == 0) return {};
  if (n % 50 == 1) return std::string(400 + n, 'v') + std::to_string(n);  // beyond LMDB's key size
  if (n % 50 == 2) return std::string("zero\0byte", 9) + std::to_string(n);
  return "value " + std::to_string(n);
}

void check_same(const Dictionary& dictionary, const Twin& twin, const ReadTxn* txn) {
  for (const auto& [f, values] : twin.values) {
    const FieldId field = f;
    REQUIRE(dictionary.value_count(field) == values.size());
    uint32_t next = 0;
    must(dictionary.scan(field, txn, [&](ValueId id, std::string_view value) {
      REQUIRE(raw(id) == next + 1);
      REQUIRE(value == values[next]);
      ++next;
      return true;
    }));
    REQUIRE(next == values.size());
    for (uint32_t i = 0; i < values.size(); i += 7) {
      REQUIRE(must(dictionary.find(field, values[i], txn)) == ValueId{i + 1});
      REQUIRE(must(dictionary.value(field, ValueId{i + 1}, txn)) == values[i]);
    }
    REQUIRE_FALSE(must(dictionary.find(field, "never seen", txn)));
  }
}

TEST_CASE("a dictionary behaves like a map across checkpoints and reloads") {
  const uint64_t seed = GENERATE(1u, 2u);
  const uint64_t cache_bytes = GENERATE(0u, 20'000u, 1u << 30);
  INFO("seed " << seed << ", cache " << cache_bytes);
  std::mt19937_64 rng(seed);
  IndexFixture index;
  auto dictionary = std::make_unique<Dictionary>();
  dictionary->limit_cache(cache_bytes);
  Twin twin;
  std::vector<FieldId> fields = {kUser, kTitle};
  auto txn = index.read();
  for (int round = 0; round < 12; ++round) {
    fields.push_back(must(dictionary->intern_tag("tag" + std::to_string(round))));
    for (int i = 0; i < 500; ++i) {
      const FieldId field = fields[rng() % fields.size()];
      const std::string value = random_value(rng);
      REQUIRE(must(dictionary->intern(field, value, txn.get())) == twin.intern(field, value));
    }
    check_same(*dictionary, twin, txn.get());
    if (rng() % 2 == 0) {
      txn.reset();
      checkpoint(*index.env, *dictionary);
      txn = index.read();
      check_same(*dictionary, twin, txn.get());
    }
    if (rng() % 4 == 0) {
      txn.reset();
      checkpoint(*index.env, *dictionary);
      index.reopen();
      txn = index.read();
      dictionary = std::make_unique<Dictionary>();
      dictionary->limit_cache(cache_bytes);
      must(dictionary->load(*txn));
      REQUIRE(dictionary->tag_fields().size() == fields.size() - 2);
      REQUIRE(dictionary->field_name(fields.back()) == "tag" + std::to_string(round));
      check_same(*dictionary, twin, txn.get());
    }
  }
}

TEST_CASE("scan stops when told, in the index and in memory") {
  IndexFixture index;
  Dictionary dictionary;
  for (int i = 0; i < 5; ++i) must(dictionary.intern(kUser, "old" + std::to_string(i), nullptr));
  checkpoint(*index.env, dictionary);
  const auto txn = index.read();
  for (int i = 0; i < 5; ++i) must(dictionary.intern(kUser, "new" + std::to_string(i), txn.get()));
  for (int limit = 1; limit <= 10; ++limit) {
    int calls = 0;
    must(dictionary.scan(kUser, txn.get(),
                         [&](ValueId, std::string_view) { return ++calls < limit; }));
    CHECK(calls == limit);
  }
}

TEST_CASE("a save that was not committed is saved again") {
  IndexFixture index;
  Dictionary dictionary;
  must(dictionary.intern(kUser, "id:1", nullptr));
  must(dictionary.save(*index.write()));  // aborted
  checkpoint(*index.env, dictionary);
  Dictionary loaded;
  const auto txn = index.read();
  must(loaded.load(*txn));
  CHECK(must(loaded.find(kUser, "id:1", txn.get())) == ValueId{1});
}

TEST_CASE("the cache is dropped at its limit, new entries are not") {
  IndexFixture index;
  Dictionary dictionary;
  dictionary.limit_cache(10'000);
  for (int i = 0; i < 1000; ++i) must(dictionary.intern(kUser, std::to_string(i), nullptr));
  CHECK(dictionary.memory_bytes() > 10'000);
  checkpoint(*index.env, dictionary);
  CHECK(dictionary.memory_bytes() < 10'000);
  const auto txn = index.read();
  must(dictionary.intern(kUser, "fresh", txn.get()));
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(raw(must(dictionary.intern(kUser, std::to_string(i), txn.get()))) == i + 1u);
  }
  CHECK(dictionary.memory_bytes() < 12'000);
  CHECK(must(dictionary.intern(kUser, "fresh", txn.get())) == ValueId{1001});
}

TEST_CASE("values whose hashes collide are told apart") {
  // Collisions of XXH3 are not at hand, so the list of one value's hash is extended by another id,
  // as a collision would.
  IndexFixture index;
  Dictionary dictionary;
  must(dictionary.intern(kUser, "a", nullptr));
  must(dictionary.intern(kUser, "b", nullptr));
  checkpoint(*index.env, dictionary);
  std::vector<std::pair<std::string, std::string>> rows;
  must(index.read()->scan(Table::ValueIds, {}, {}, [&](std::string_view key, auto value) {
    rows.emplace_back(key, as_chars(value));
    return true;
  }));
  REQUIRE(rows.size() == 2);
  auto txn = index.write();
  for (size_t i = 0; i < 2; ++i) {
    must(txn->put(Table::ValueIds, rows[i].first, rows[1 - i].second + rows[i].second));
  }
  must(txn->commit());
  Dictionary loaded;
  const auto read = index.read();
  must(loaded.load(*read));
  CHECK(must(loaded.find(kUser, "a", read.get())) == ValueId{1});
  CHECK(must(loaded.find(kUser, "b", read.get())) == ValueId{2});
  CHECK_FALSE(must(loaded.find(kUser, "c", read.get())));
}

TEST_CASE("damaged tables are Corruption") {
  IndexFixture index;
  Dictionary dictionary;
  must(dictionary.intern_tag("os"));
  must(dictionary.intern(kUser, "a", nullptr));
  checkpoint(*index.env, dictionary);
  const auto damage = [&](Table table, std::string_view key, std::string_view value) {
    auto txn = index.write();
    must(txn->put(table, key, value));
    must(txn->commit());
  };
  SECTION("a short field row") {
    damage(Table::Fields, Key().u16(3).view(), "x");
    CHECK(code_of(Dictionary().load(*index.read())) == ErrorCode::Corruption);
  }
  SECTION("a gap in the tag fields") {
    damage(Table::Fields, Key().u16(99).view(), std::string(4, '\0') + "gap");
    CHECK(code_of(Dictionary().load(*index.read())) == ErrorCode::Corruption);
  }
  SECTION("a tag twice") {
    damage(Table::Fields, Key().u16(65).view(), std::string(4, '\0') + "os");
    CHECK(code_of(Dictionary().load(*index.read())) == ErrorCode::Corruption);
  }
  SECTION("a value that its id list names is missing") {
    auto txn = index.write();
    must(txn->erase(Table::Values, Key().u16(raw(kUser)).u32(1).view()));
    must(txn->commit());
    Dictionary loaded;
    const auto read = index.read();
    must(loaded.load(*read));
    CHECK(code_of(loaded.find(kUser, "a", read.get())) == ErrorCode::Corruption);
  }
}

}  // namespace
}  // namespace cairn::storage
