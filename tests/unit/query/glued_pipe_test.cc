#include "query/glued_pipe.h"

#include <catch2/catch.hpp>

#include "support/shop.h"

namespace cairn::testing {
namespace {

std::vector<std::string> warned(const std::string& text) {
  std::vector<std::string> warnings;
  query::warn_of_glued_pipes(Shop::parsed(text), warnings);
  return warnings;
}

TEST_CASE("a pipe without a blank in front is warned of") {
  CHECK(warned("level:error| count()") ==
        std::vector<std::string>{"\"error|\" is searched for as it stands: write a blank before | "
                                 "to begin the pipeline, or put it in quotes."});
  for (const char* text :
       {"timeout| count()", "timeout|count()", "a level:error|uniq(user)", "!level:error| limit 5",
        "level:[a, b]| count()", "(a:b OR c:d| count())", "x a:1|top_9(b)"}) {
    INFO(text);
    CHECK(warned(text).size() == 1);
  }
  CHECK(warned("a:b| OR c:d| fields title").size() == 2);
}

TEST_CASE("a pipe that is meant as text, or begins the pipeline, is not") {
  for (const char* text :
       {"", "level:error | count()", "level:error |count()", "\"x\"| count()", "level:\"error|\"",
        "\"a| count()\"", "a || b", "a:x|y", "x|y z", "a||", "level:[a|, b]", "(a:b)| count()"}) {
    INFO(text);
    CHECK(warned(text).empty());
  }
}

TEST_CASE_METHOD(Shop, "pages, tables and lists carry the warning") {
  event({"a", "2026-11-21T08:00:00Z", "A"});
  const auto page = must(query::search(view(), parsed("level:error| count()"), options()));
  CHECK(page.total == 0);
  CHECK(page.warnings.size() == 1);
  for (const char* text : {"level:error| | count()", "level:error| | fields title"}) {
    CHECK(must(query::aggregate(view(), parsed(text), options())).warnings.size() == 1);
  }
}

}  // namespace
}  // namespace cairn::testing
