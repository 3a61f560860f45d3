#include "query/pair_counts.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "support/shop.h"

namespace cairn::testing {
namespace {

// Occurrences with one, several and no values of the keys, in two segments and a head.
class Pairs : public Shop {
 public:
  Pairs() {
    for (int i = 0; i < 300; ++i) {
      std::string exceptions;
      for (int type = 0; type < i % 4; ++type) {
        exceptions += fmt::format(R"({}{{"type":"T{}"}})", type == 0 ? "" : ",", (i + type) % 5);
      }
      event({fmt::format("f{}", i % 7), "2026-11-21T08:00:00Z", "Error",
             i % 3 == 0 ? "fatal" : "error",
             fmt::format(R"("exception":{{"values":[{}]}},"tags":{{"no":"{}"}})", exceptions,
                         i % 11)});
      if (i == 99 || i == 199) seal();
    }
  }
};

// What is counted into one array is what rows found by hash have: those are made when something
// else than a count is asked for along.
TEST_CASE_METHOD(Pairs, "pairs are counted as rows are") {
  for (const char* filter : {"", "level:fatal ", "no:1* "}) {
    for (const char* keys :
         {"level, no", "error.type, level", "no, error.type", "fingerprint, error.type",
          "issue, error.type", "absent, no", "error.type, project"}) {
      INFO(filter << keys);
      const auto plain = table(fmt::format("{}| count() by {}", filter, keys));
      auto along = table(fmt::format("{}| count() uniq(user) by {}", filter, keys));
      for (std::string& row : along) row.erase(row.rfind(' '));
      CHECK(plain.size() > 1);
      CHECK(plain == along);
    }
  }
}

TEST_CASE("what could be too many pairs for the matches is left to others") {
  Shop shop;
  for (int i = 0; i < 200; ++i) {
    shop.event({"f1", "2026-11-21T08:00:00Z", "Error", i % 2 == 0 ? "fatal" : "error",
                fmt::format(R"("tags":{{"no":"{}","of":"{}"}})", i, i)});
  }
  const query::View seen = shop.view();
  const auto counted = [&](const char* first, const char* second) {
    query::BoundTable table;
    for (const char* name : {first, second}) {
      query::RowKey key;
      key.field.tag = name;
      key.name = name;
      table.by.push_back(key);
    }
    return query::count_pairs(seen, table, {});
  };
  CHECK_FALSE(counted("no", "of"));
  const auto pairs = counted("no", "absent");
  REQUIRE(pairs);
  CHECK(pairs->empty());
  CHECK(shop.table("| count() by no, of | limit 1000").size() == 200);
}

}  // namespace
}  // namespace cairn::testing
