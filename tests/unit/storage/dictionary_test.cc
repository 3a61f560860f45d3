#include "storage/dictionary.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <random>
#include <thread>

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

void save(LmdbEnv& env, const Dictionary& dictionary) {
  auto txn = must(WriteTxn::begin(env));
  must(dictionary.save(*txn));
  must(txn->commit());
}

// The transaction that the dictionary looks in afterwards.
std::unique_ptr<ReadTxn> checkpoint(LmdbEnv& env, Dictionary& dictionary) {
  must(dictionary.attach(nullptr));
  save(env, dictionary);
  auto txn = must(ReadTxn::begin(env));
  must(dictionary.checkpointed(txn.get()));
  return txn;
}

ValueId intern(Dictionary& dictionary, FieldId field, std::string_view value) {
  return must(dictionary.intern(field, value, hash64(value)));
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
  CHECK(intern(dictionary, kUser, "") == ValueId{1});
  CHECK(intern(dictionary, kUser, "id:7") == ValueId{2});
  CHECK(intern(dictionary, kTitle, "id:7") == ValueId{1});
  CHECK(intern(dictionary, kUser, "") == ValueId{1});
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
  std::unique_ptr<ReadTxn> txn;
  const auto add_some = [&] {
    for (int i = 0; i < 500; ++i) {
      const FieldId field = fields[rng() % fields.size()];
      const std::string value = random_value(rng);
      REQUIRE(intern(*dictionary, field, value) == twin.intern(field, value));
    }
  };
  for (int round = 0; round < 24; ++round) {
    fields.push_back(must(dictionary->intern_tag("tag" + std::to_string(round))));
    add_some();
    check_same(*dictionary, twin, txn.get());
    if (rng() % 2 == 0) {
      // As the store does: frozen here, written there, while values go on coming.
      dictionary->freeze();
      check_same(*dictionary, twin, txn.get());
      std::thread saver([&] { save(*index.env, *dictionary); });
      add_some();
      fields.push_back(must(dictionary->intern_tag("late" + std::to_string(round))));
      add_some();
      saver.join();
      check_same(*dictionary, twin, txn.get());
      auto newer = index.read();
      must(dictionary->checkpointed(newer.get()));
      txn = std::move(newer);
      check_same(*dictionary, twin, txn.get());
    }
    if (rng() % 4 == 0) {
      txn.reset();
      txn = checkpoint(*index.env, *dictionary);
      check_same(*dictionary, twin, txn.get());
      must(dictionary->check(*txn));
    }
    if (rng() % 4 == 0) {
      txn = checkpoint(*index.env, *dictionary);
      txn.reset();
      index.reopen();
      txn = index.read();
      dictionary = std::make_unique<Dictionary>();
      dictionary->limit_cache(cache_bytes);
      must(dictionary->load(*txn));
      must(dictionary->attach(txn.get()));
      REQUIRE(dictionary->tag_fields().size() == fields.size() - 2);
      REQUIRE(dictionary->find_tag(dictionary->field_name(fields.back())) == fields.back());
      check_same(*dictionary, twin, txn.get());
      must(dictionary->check(*txn));
    }
  }
}

TEST_CASE("the terms of a batch become ids") {
  model::TermBatch batch;
  batch.add({kUser, {}, "id:1"});
  batch.add({FieldId{}, "os", "Linux"});
  batch.add({FieldId{}, "browser", "Linux"});
  batch.end();
  batch.end();
  batch.add({FieldId{}, "browser", "Linux"});
  batch.add({kUser, {}, "id:2"});
  batch.end();
  Dictionary dictionary;
  must(dictionary.intern_tag("browser"));
  Dictionary::TagFields tags;
  Dictionary::Terms terms;
  must(dictionary.intern(batch, 0, tags, terms));
  CHECK(terms == Dictionary::Terms{
                     {kUser, ValueId{1}}, {FieldId{65}, ValueId{1}}, {FieldId{64}, ValueId{1}}});
  terms.clear();
  must(dictionary.intern(batch, 1, tags, terms));
  CHECK(terms.empty());
  terms.clear();
  must(dictionary.intern(batch, 2, tags, terms));
  CHECK(terms == Dictionary::Terms{{FieldId{64}, ValueId{1}}, {kUser, ValueId{2}}});
  CHECK(dictionary.field_name(FieldId{65}) == "os");
}

TEST_CASE("looking ahead changes no id") {
  const auto seed = std::random_device{}();
  std::cout << "dictionary_test, looking ahead: seed " << seed << "\n";
  std::mt19937 rng(seed);
  IndexFixture index;
  Dictionary ahead, plain;
  // Most values are on disk only.
  ahead.limit_cache(0);
  std::unique_ptr<ReadTxn> txn;
  for (int round = 0; round < 20; ++round) {
    model::TermBatch batch;
    const size_t count = 1 + rng() % 50;
    for (size_t i = 0; i < count; ++i) {
      for (size_t term = rng() % 5; term > 0; --term) {
        const std::string value = "value " + std::to_string(rng() % 300);
        const std::string tag = "tag " + std::to_string(rng() % 30);
        batch.add({rng() % 2 == 0 ? kUser : FieldId{}, tag, value});
      }
      batch.end();
    }
    const size_t distance = rng() % 8;
    Dictionary::TagFields ahead_tags, plain_tags;
    std::vector<Dictionary::Terms> found(count);
    for (size_t i = 0, seen = 0; i < count; ++i) {
      for (; seen < count && seen <= i + distance; ++seen) {
        ahead.prefetch(batch, seen, ahead_tags);
        ahead.prefetch_texts(batch, seen, ahead_tags);
        ahead.find(batch, seen, ahead_tags, found[seen]);
      }
      if (rng() % 4 == 0) continue;  // refused: adds nothing
      Dictionary::Terms expected;
      must(plain.intern(batch, i, plain_tags, expected));
      must(ahead.intern(batch, i, ahead_tags, found[i]));
      REQUIRE(found[i] == expected);
    }
    txn = checkpoint(*index.env, ahead);
  }
}

TEST_CASE("an occurrence whose tags do not fit leaves nothing behind") {
  Dictionary dictionary;
  for (size_t i = 0; i + 1 < kMaxTagFields; ++i) must(dictionary.intern_tag(std::to_string(i)));
  model::TermBatch batch;
  batch.add({kUser, {}, "id:1"});
  batch.add({FieldId{}, "one", "x"});
  batch.add({FieldId{}, "two", "x"});
  batch.end();
  batch.add({FieldId{}, "two", "x"});
  batch.add({FieldId{}, "two", "y"});
  batch.end();
  Dictionary::TagFields tags;
  Dictionary::Terms terms;
  CHECK(code_of(dictionary.intern(batch, 0, tags, terms)) == ErrorCode::Exhausted);
  CHECK_FALSE(dictionary.find_tag("one"));
  CHECK(dictionary.value_count(kUser) == 0);
  terms.clear();
  must(dictionary.intern(batch, 1, tags, terms));
  CHECK(terms.size() == 2);
}

TEST_CASE("scan stops when told, in the index and in memory") {
  IndexFixture index;
  Dictionary dictionary;
  for (int i = 0; i < 5; ++i) intern(dictionary, kUser, "old" + std::to_string(i));
  const auto txn = checkpoint(*index.env, dictionary);
  for (int i = 0; i < 5; ++i) intern(dictionary, kUser, "new" + std::to_string(i));
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
  intern(dictionary, kUser, "id:1");
  must(dictionary.save(*index.write()));  // aborted
  checkpoint(*index.env, dictionary);
  Dictionary loaded;
  const auto txn = index.read();
  must(loaded.load(*txn));
  CHECK(must(loaded.find(kUser, "id:1", txn.get())) == ValueId{1});
}

TEST_CASE("the cache forgets at its limit, what is new stays") {
  IndexFixture index;
  Dictionary dictionary;
  constexpr uint64_t kLimit = 1u << 20;
  dictionary.limit_cache(kLimit);
  const auto name = [](int i) { return "a value of some length, number " + std::to_string(i); };
  const auto fill = [&] {
    for (int i = 0; i < 40'000; ++i) REQUIRE(raw(intern(dictionary, kUser, name(i))) == i + 1u);
  };
  fill();
  CHECK(dictionary.memory_bytes() > 2 * kLimit);
  const auto txn = checkpoint(*index.env, dictionary);
  const uint64_t table_bytes = 40'000 * 16 * 4;  // of the cells, which do not shrink
  fill();
  intern(dictionary, kUser, "fresh");
  for (int round = 0; round < 3; ++round) {
    fill();
    CHECK(dictionary.memory_bytes() < table_bytes + 2 * kLimit);
  }
  CHECK(intern(dictionary, kUser, "fresh") == ValueId{40'001});
  CHECK(must(dictionary.value(kUser, ValueId{40'001}, txn.get())) == "fresh");
}

TEST_CASE("a copy goes on where it stands, and what it comes from stays as it was") {
  IndexFixture index;
  Dictionary from;
  const auto name = [](int i) { return "a value of some length, number " + std::to_string(i); };
  const FieldId tag = must(from.intern_tag("colour"));
  for (int i = 0; i < 20'000; ++i) intern(from, kUser, name(i));
  const auto first = checkpoint(*index.env, from);
  for (int i = 20'000; i < 30'000; ++i) intern(from, kUser, name(i));
  from.freeze();  // and is being saved
  for (int i = 30'000; i < 35'000; ++i) intern(from, kUser, name(i));
  intern(from, tag, "red");

  Dictionary copy(from);
  copy.limit_cache(1u << 20);  // makes it forget what they share
  auto saving = must(WriteTxn::begin(*index.env));
  must(from.save(*saving));
  must(saving->commit());
  const auto second = must(ReadTxn::begin(*index.env));
  must(copy.checkpointed(second.get()));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 60'000; ++i) REQUIRE(raw(intern(copy, kUser, name(i))) == i + 1u);
  }
  CHECK(must(copy.intern_tag("size")) != tag);
  CHECK(intern(copy, tag, "blue") == ValueId{2});
  CHECK(copy.value_count(kUser) == 60'000);

  CHECK(from.value_count(kUser) == 35'000);
  CHECK(from.value_count(tag) == 1);
  CHECK_FALSE(from.find_tag("size"));
  for (int i = 0; i < 60'000; i += 7) {
    const auto id = must(from.find(kUser, name(i), first.get()));
    REQUIRE(id.has_value() == (i < 35'000));
    if (!id) continue;
    REQUIRE(raw(*id) == i + 1u);
    REQUIRE(must(from.value(kUser, *id, first.get())) == name(i));
  }
  size_t scanned = 0;
  must(from.scan(kUser, first.get(), [&](ValueId id, std::string_view value) {
    REQUIRE(value == name(static_cast<int>(raw(id)) - 1));
    ++scanned;
    return true;
  }));
  CHECK(scanned == 35'000);
}

TEST_CASE("damaged tables are Corruption") {
  IndexFixture index;
  Dictionary dictionary;
  must(dictionary.intern_tag("os"));
  intern(dictionary, kUser, "a");
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
    damage(Table::Fields, Key().u16(99).view(), std::string(8, '\0') + "gap");
    CHECK(code_of(Dictionary().load(*index.read())) == ErrorCode::Corruption);
  }
  SECTION("a tag twice") {
    damage(Table::Fields, Key().u16(65).view(), std::string(8, '\0') + "os");
    CHECK(code_of(Dictionary().load(*index.read())) == ErrorCode::Corruption);
  }
  SECTION("values that a run names are missing") {
    auto txn = index.write();
    must(txn->erase(Table::Values, Key().u16(raw(kUser)).u32(1).view()));
    must(txn->commit());
    Dictionary loaded;
    const auto read = index.read();
    must(loaded.load(*read));
    CHECK_FALSE(must(loaded.find(kUser, "a", read.get())));
    CHECK(code_of(loaded.check(*read)) == ErrorCode::Corruption);
  }
}

// Whatever bits are wrong: an error or another answer, never a crash; check() tells of it.
TEST_CASE("flipped and missing bytes of the dictionary's tables") {
  const uint64_t seed = 77;
  std::cout << "dictionary_test: seed " << seed << '\n';
  std::mt19937_64 rng(seed);
  IndexFixture index;
  Dictionary dictionary;
  for (int i = 0; i < 300; ++i) intern(dictionary, kUser, "user " + std::to_string(i));
  checkpoint(*index.env, dictionary);
  std::vector<std::tuple<Table, std::string, std::string>> rows;
  for (const Table table : {Table::Fields, Table::ValueIds, Table::Values}) {
    must(index.read()->scan(table, {}, {}, [&](std::string_view key, auto value) {
      rows.emplace_back(table, key, as_chars(value));
      return true;
    }));
  }
  const auto put = [&](Table table, const std::string& key, const std::string& value) {
    auto txn = index.write();
    must(txn->put(table, key, value));
    must(txn->commit());
  };
  int unseen = 0;
  for (int i = 0; i < 400; ++i) {
    const auto& [table, key, value] = rows[rng() % rows.size()];
    std::string damaged = value;
    if (rng() % 4 == 0) {
      damaged.resize(rng() % damaged.size());
    } else {
      damaged[rng() % damaged.size()] ^= static_cast<char>(1 << rng() % 8);
    }
    put(table, key, damaged);
    const auto read = index.read();
    Dictionary loaded;
    const auto opened = loaded.load(*read);
    if (opened.ok() && loaded.attach(read.get()).ok()) {
      for (int k = 0; k < 300; k += 13) {
        const std::string text = "user " + std::to_string(k);
        (void)loaded.find(kUser, text, read.get());
        (void)loaded.value(kUser, ValueId{static_cast<uint32_t>(k)}, read.get());
        (void)loaded.intern(kUser, text, hash64(text));
      }
      if (table != Table::Fields && loaded.check(*read).ok()) ++unseen;
    }
    put(table, key, value);
  }
  // Bits of the padding between a run's header and its filter say nothing.
  CHECK(unseen < 10);
}

}  // namespace
}  // namespace cairn::storage
