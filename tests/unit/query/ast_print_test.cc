// Printing a tree and parsing what was printed gives the same tree.
#include "query/ast_print.h"

#include <array>
#include <catch2/catch.hpp>
#include <random>

#include "query/ast_dump.h"
#include "query/parser.h"
#include "support/random_query.h"
#include "support/soak.h"

namespace cairn::query {
namespace {

Query parsed(std::string_view text) {
  auto query = parse(text);
  INFO(text);
  REQUIRE(query.ok());
  return *std::move(query);
}

std::string printed(std::string_view text) { return print(parsed(text)); }

void check_round_trip(const Query& query) {
  const std::string text = print(query);
  INFO("printed: " << text);
  const auto again = parse(text);
  REQUIRE(again.ok());
  CHECK(dump(*again) == dump(query));
  CHECK(print(*again) == text);
}

TEST_CASE("queries are printed as people write them") {
  CHECK(printed("level:error  environment:production") == "level:error environment:production");
  CHECK(printed("a:1 AND b:2 or c:3") == "a:1 b:2 OR c:3");
  CHECK(printed("(a:1 OR b:2) c:3") == "(a:1 OR b:2) c:3");
  CHECK(printed("timed  out level:error") == "timed  out AND level:error");
  CHECK(printed("!level:[error,fatal]") == "!level:[error, fatal]");
  CHECK(printed("NOT level:error") == "NOT level:error");
  CHECK(printed("NOT (a:1 b:2)") == "!(a:1 b:2)");
  CHECK(printed("is:unresolved | count() uniq(user) by release every 60m") ==
        "is:unresolved | count() uniq(user) by release every 1h");
  CHECK(printed("| top 5 tags[os]") == "| top 5 tags[os]");
  CHECK(printed("a | histogram took  30 |where from>3") ==
        "a | histogram took 30 | where from > 3");
  CHECK(printed("|count() VS 7d | sort -count( ).change") ==
        "| count() vs 1w | sort -count().change");
  CHECK(printed("| fields title,count( ) , trend( 24h )|limit 3") ==
        "| fields title, count(), trend(24h) | limit 3");
  CHECK(printed("| trend 14d") == "| trend 2w");
}

TEST_CASE("escapes come back as they were meant") {
  for (const char* text : {R"(a:b\*c)",
                           R"(a:"b\"c")",
                           R"(a:b\\*c)",
                           R"(a:c:\dir)",
                           R"(a:"x \\\"y")",
                           R"(a:\"b)",
                           R"(say \"hello\" now)",
                           R"(a:[x\*, "y, z", *w])",
                           R"(tags["my key",number]:>5)",
                           R"(a:=b)",
                           R"(a:"")",
                           R"(a:[h]*)",
                           R"(a:[b AND ", c]")",
                           "message://^a b//",
                           R"(!"x y")",
                           "NOT NOT (a b)",
                           "NOT NULL x",
                           "a:1 OR (b:1 OR c:1)",
                           "a:1 (b:1 c:1)",
                           "x OR(a:1 OR b:2) c",
                           "or(a:1) y",
                           R"(s And"q")",
                           "OR(NOT a:1)",
                           "x:1 OR a or(!b:1)",
                           "k:[a,,b](l:1 OR m:2)",
                           "NOT k:[a,,b](l:1 OR m:2)",
                           "k:[a,,(,b])l",
                           "k:// x OR( a b:1)",
                           "k://a\\ x//( l:1)",
                           "k:////(b)",
                           "k://a b x//( l:1) k:[:[6//( l:1) k:[:[6",
                           "k://a NOT k:[x//(b:c OR d:e)",
                           "k:[] a OR( l:1)",
                           "k:[] l:1",
                           "k:1 OR( ( !\" a\" OR \"b\") c:1)",
                           "x( ( !\"a(\" OR \"b)\") (c:1 OR d))",
                           "k://a (l:1 OR !k:[x//(b:c)) m:2",
                           "k:contains://",
                           "or( \"a\") b:1"}) {
    CAPTURE(text);
    check_round_trip(parsed(text));
  }
}

TEST_CASE("what looks like a regular expression and is none stays apart from what would end it") {
  CHECK(printed("k://^a.*b//(x) l") == "k://^a.*b//(x) AND l");
  CHECK(printed("k://a\\ x//( l:1)") == "k://a\\ AND x//( l:1)");
  CHECK(printed("k://cdn.example/a.js") == "k://cdn.example/a.js");
  CHECK(printed("or( \"a\") b:1") == "or( \"a\") b:1");
  CHECK(printed("k://^a b$// l:1") == "k://^a b$// l:1");
}

TEST_CASE("random trees are printed and parsed again") {
  const uint64_t first = testing::first_seed();
  for (uint64_t seed = first; seed < first + 20; ++seed) {
    INFO("CAIRN_SEED=" << seed);
    testing::RandomQuery random(seed, TimeUs{1'700'000'000'000'000}, TimeUs{1'700'600'000'000'000});
    for (int i = 0; i < 50; ++i) {
      Query query;
      query.filter = random.node(3);
      if (i % 3 == 0) query.stages = random.pipeline();
      check_round_trip(query);
    }
  }
}

TEST_CASE("random texts that are queries are printed and parsed again") {
  static constexpr std::array kPieces = {"a",
                                         "b1",
                                         ":",
                                         "\"",
                                         "\\",
                                         "*",
                                         "(",
                                         ")",
                                         " ",
                                         " ",
                                         "!",
                                         "NOT ",
                                         " AND ",
                                         " or ",
                                         "[",
                                         "]",
                                         ", ",
                                         "tags[",
                                         ",number]",
                                         " | ",
                                         "count()",
                                         "top 5 ",
                                         ">",
                                         "=",
                                         "\xEF\x80\x8D"
                                         "Contains\xEF\x80\x8D",
                                         "\t",
                                         "|",
                                         "k:",
                                         "c:x",
                                         "\\\"",
                                         "\\*",
                                         "is:new",
                                         " by ",
                                         "every 1h",
                                         " vs 1w",
                                         "fields ",
                                         "histogram ",
                                         "trend 1h"};
  uint64_t queries = 0;
  const uint64_t first = testing::soak_rounds(1) > 1 ? testing::first_seed() : 1;
  for (uint64_t seed = first; seed < first + 20; ++seed) {
    INFO("CAIRN_SEED=" << seed);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 2'000; ++i) {
      std::string text;
      for (uint64_t left = 1 + random() % 12; left > 0; --left) {
        text += kPieces[random() % kPieces.size()];
      }
      const auto query = parse(text);
      if (!query.ok()) continue;
      ++queries;
      CAPTURE(text);
      check_round_trip(*query);
    }
  }
  CHECK(queries > 1'000);
}

}  // namespace
}  // namespace cairn::query
