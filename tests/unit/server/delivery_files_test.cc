#include "server/delivery_files.h"

#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <span>

#include "support/forgetful_file_system.h"
#include "support/must.h"
#include "support/soak.h"

using namespace cairn;
using namespace cairn::server;
using cairn::testing::ForgetfulFileSystem;
using cairn::testing::must;

namespace {

Uuid store() { return *parse_uuid("5f0c1d2e-0000-4000-8000-0123456789ab"); }

alert::NotificationPlace place(uint64_t lsn, uint32_t ordinal = 0) { return {Lsn{lsn}, ordinal}; }

DeadLetter dead(uint64_t number, size_t body_bytes = 0) {
  DeadLetter out;
  out.letter.id = "5f0c-i" + std::to_string(number);
  out.letter.series = "i1";
  out.letter.at = TimeUs{1'700'000'000'000'000};
  out.letter.body = "{\"a\": [1, \"" + std::string(body_bytes, 'x') + "\\u00e9\"]}";
  out.attempts = 3;
  out.why = "500 no \"luck\"\n";
  return out;
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// Somebody wants all dead letters again.
std::vector<alert::Letter> again(ForgetfulFileSystem& files, DeliveryFiles& desk, size_t limit) {
  must(files.rename(desk.dead_path(), "store/deliveries/hook.again.jsonl"));
  std::vector<alert::Letter> out;
  uint64_t offset = 0;
  uint64_t line = 0;
  while (true) {
    auto read = must(desk.read_again(offset, line, limit));
    REQUIRE(read);
    CHECK(read->letters.size() <= limit);
    for (auto& letter : read->letters) out.push_back(std::move(letter));
    if (read->end) break;
    offset = read->next_offset;
    line = read->next_line;
  }
  must(desk.remove_again());
  CHECK_FALSE(must(desk.read_again(0, 0, 1)));
  return out;
}

}  // namespace

TEST_CASE("a cursor comes back as it was written") {
  ForgetfulFileSystem files;
  DeliveryFiles desk(files, "store", "hook", store());
  CHECK(must(desk.read_cursor()) == alert::DeliveryCursor{});
  for (const alert::DeliveryCursor& cursor :
       {alert::DeliveryCursor{},
        {place(INT64_MAX, alert::kLastOrdinal), {}},
        {place(9, 3), {place(1), place(2, 7), place(9, 3)}}}) {
    must(desk.write_cursor(cursor));
    CHECK(must(desk.read_cursor()) == cursor);
  }
  CHECK(must(files.list("store/deliveries")) == std::vector<std::string>{"hook.json"});
}

TEST_CASE("what is no cursor of this store is refused, with the file's name") {
  ForgetfulFileSystem files;
  DeliveryFiles desk(files, "store", "hook", store());
  must(desk.write_cursor({place(9), {place(1), place(2)}}));
  const auto good = files.read_file(desk.cursor_path());
  const std::string text(reinterpret_cast<const char*>(good.data()), good.size());
  const auto with = [&](std::string_view what, std::string_view other) {
    std::string changed = text;
    const size_t at = changed.find(what);
    REQUIRE(at != std::string::npos);
    return changed.replace(at, what.size(), other);
  };
  for (const std::string& bad :
       {std::string(), std::string("[]"), text.substr(0, 50),
        with("\"version\":1", "\"version\":2"), with("5f0c", "0000"), with("[9,0]", "[9]"),
        with("[9,0]", "[9,0,0]"), with("[9,0]", "[9,-1]"), with("[9,0]", "[1,0]"),
        with("[1,0]", "[3,0]"), with("[1,0]", "7"), with("open", "opens")}) {
    INFO(bad);
    files.write_file(desk.cursor_path(), bytes_of(bad));
    const auto read = desk.read_cursor();
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == ErrorCode::Corruption);
    CHECK(read.error().message.find(desk.cursor_path()) == 0);
  }
}

TEST_CASE("dead letters come again as they were") {
  ForgetfulFileSystem files;
  DeliveryFiles desk(files, "store", "hook", store());
  for (uint64_t i = 1; i <= 10; ++i) CHECK_FALSE(must(desk.bury(dead(i, i * 40'000))));
  const auto letters = again(files, desk, 3);
  REQUIRE(letters.size() == 10);
  for (uint64_t i = 1; i <= 10; ++i) {
    const alert::Letter& one = letters[i - 1];
    const alert::Letter expected = dead(i, i * 40'000).letter;
    CHECK(one.id == expected.id);
    CHECK(one.series == expected.series);
    CHECK(one.at == expected.at);
    CHECK(one.body == expected.body);
    CHECK(one.place == place(i));
  }
}

TEST_CASE("lines that are no dead letters are passed over and counted") {
  ForgetfulFileSystem files;
  DeliveryFiles desk(files, "store", "hook", store());
  must(desk.bury(dead(1)));
  auto bytes = files.read_file(desk.dead_path());
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string good = text;
  text += "\n\nnothing\n{}\n" + std::string(5u << 20, ' ') + "\n";
  std::string header = good;  // an id that would be a header of its own
  header.replace(header.find("5f0c-i1"), 7, "5f0c\\r\\nX");
  text += header + good.substr(0, good.size() - 1);  // the last line has no end
  files.write_file(desk.dead_path(), bytes_of(text));
  must(files.rename(desk.dead_path(), "store/deliveries/hook.again.jsonl"));
  const auto read = must(desk.read_again(0, 0, 100));
  REQUIRE(read);
  CHECK(read->end);
  CHECK(read->letters.size() == 2);
  // The line that is too long is seen as two.
  CHECK(read->bad_lines == 5);
}

TEST_CASE("files of dead letters are bounded: of two the older one goes") {
  ForgetfulFileSystem files;
  DeliveryFiles desk(files, "store", "hook", store());
  uint64_t removed = 0;
  uint64_t number = 0;
  while (removed == 0) {
    REQUIRE(number < 20);
    if (must(desk.bury(dead(++number, 3u << 20)))) ++removed;
  }
  CHECK(number == 11);  // five fit into each
  CHECK(again(files, desk, 100).size() == 1);
  CHECK(must(files.list("store/deliveries")) == std::vector<std::string>{"hook.dead.1.jsonl"});
}

TEST_CASE("what returned is there after a power cut, whenever it comes") {
  const alert::DeliveryCursor first{place(5), {place(2)}};
  const alert::DeliveryCursor second{place(7), {}};
  const uint64_t seed = cairn::testing::first_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (uint64_t cut = 1; cut < 60; ++cut) {
    for (const bool keep : {false, true}) {
      INFO("cut at call " << cut << ", keeps " << keep);
      ForgetfulFileSystem files;
      must(files.make_directory("store"));
      DeliveryFiles desk(files, "store", "hook", store());
      files.cut_power_at(files.calls() + cut);
      const bool one = desk.write_cursor(first).ok();
      const bool buried = desk.bury(dead(1)).ok();
      const bool two = desk.write_cursor(second).ok();
      const bool again_buried = desk.bury(dead(2)).ok();
      files.crash(keep ? &random : nullptr);
      const auto cursor = must(desk.read_cursor());
      if (two) {
        CHECK(cursor == second);
      } else if (one) {
        CHECK((cursor == first || cursor == second));
      } else {
        CHECK((cursor == first || cursor == alert::DeliveryCursor{}));
      }
      // It goes on, too.
      must(desk.write_cursor(first));
      must(desk.bury(dead(3)));
      CHECK(must(desk.read_cursor()) == first);
      std::set<std::string> ids;
      for (const auto& letter : again(files, desk, 100)) ids.insert(letter.id);
      CHECK(ids.contains(dead(3).letter.id));
      if (buried) CHECK(ids.contains(dead(1).letter.id));
      if (again_buried) CHECK(ids.contains(dead(2).letter.id));
    }
  }
}
