// Every case of tests/golden/query/*.test (support/golden.h) against dump() or the error:
//
//   ast the expected dump                or
//   error POSITION the expected message
#include <catch2/catch.hpp>

#include "query/ast_dump.h"
#include "query/parser.h"
#include "support/golden.h"
#include "support/shop.h"

namespace cairn::query {
namespace {

std::string outcome(const std::string& query) {
  const auto parsed = parse(query);
  if (parsed) return "ast " + dump(*parsed);
  const auto& error = parsed.error();
  CHECK(error.code == ErrorCode::InvalidArgument);
  REQUIRE(error.position);
  return "error " + std::to_string(*error.position) + " " + error.message;
}

TEST_CASE("queries parse as the golden files say", "[query][golden]") {
  for (const auto& file : testing::golden_files("query")) {
    const auto cases = testing::golden_cases(file);
    CHECK_FALSE(cases.empty());
    for (const testing::GoldenCase& each : cases) {
      INFO(file.filename().string() << ": " << each.name << "\nquery " << each.query);
      CHECK(outcome(each.query) == each.expected);
    }
  }
}

}  // namespace
}  // namespace cairn::query

// What people are told about wrong queries: every case of tests/golden/wrong/*.test, in full. The
// store has one project "SHOP" with the tags browser and size.
namespace cairn::testing {
namespace {

class WrongQueries : public Shop {
 public:
  WrongQueries() {
    event({"a", "2026-11-21T08:00:00Z", "A", "error",
           R"("release":"1.0","tags":{"browser":"Chrome","size":"12"})"});
  }

  // "error POSITION MESSAGE", or what comes out instead.
  std::string outcome(const std::string& text) {
    const auto parsed = query::parse(text);
    if (!parsed.ok()) return told(parsed.error());
    const auto answer = [&]() -> Result<void> {
      if (query::is_aggregate(*parsed)) {
        CAIRN_TRY(query::aggregate(view(), *parsed, options()));
      } else {
        CAIRN_TRY(query::search(view(), *parsed, options()));
      }
      return {};
    }();
    return answer.ok() ? "an answer" : told(answer.error());
  }

 private:
  static std::string told(const Error& error) {
    return "error " + (error.position ? std::to_string(*error.position) : "nowhere") + " " +
           error.message;
  }
};

TEST_CASE_METHOD(WrongQueries, "wrong queries are told what is wrong, where, and what is right") {
  size_t count = 0;
  for (const auto& file : golden_files("wrong")) {
    for (const GoldenCase& each : golden_cases(file)) {
      INFO(file.filename().string() << "\nquery " << each.query);
      CHECK(outcome(each.query) == each.expected);
      ++count;
    }
  }
  CHECK(count >= 60);
}

}  // namespace
}  // namespace cairn::testing
